import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ResolveAnswer } from '@postrider/protocol';
import { describe, expect, test } from 'vitest';
import { playDialogue, readDialogue, type Dialogue } from './dialogue.js';
import { RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';

const folder = fileURLToPath(new URL('./dialogues/', import.meta.url));

describe.each(readdirSync(folder).map((file) => ({ file })))('$file', ({ file }) => {
  const dialogue = readDialogue(folder + file);

  test('goes as written', async () => {
    const ingress = await startIngressFor(dialogue);
    const client = await RawClient.connect(ingress.port);
    await playDialogue(client, dialogue);
    expect(await client.rest()).toBe('');
    const accepted = ingress.spool.mails.map(({ envelope }) =>
      envelope.recipients.map(({ forwardPath }) => forwardPath).join(' '),
    );
    const expected = dialogue.settings.get('Accepted') ?? '';
    expect(accepted).toEqual(expected === '' ? [] : expected.split('; '));
    expect(ingress.faults).toEqual([]);
    client.close();
    await ingress.drain();
  });
});

const list = (text: string | undefined): string[] => (text === undefined ? [] : text.split(', '));

/** Role: of the listener. Offer: extensions that are off by default. Local: our domains. Users: who is there; everybody without it. Relay: domains. Size: octets. */
function startIngressFor({ settings }: Dialogue): Promise<RunningIngress> {
  const users = list(settings.get('Users'));
  const resolve = (forwardPath: string): ResolveAnswer =>
    users.length === 0 || users.includes(forwardPath.split('@')[0] ?? '')
      ? { result: 'local' }
      : { result: 'unknown' };
  const size = settings.get('Size');
  return startIngress({
    resolve,
    config: {
      listeners: {
        it: {
          role: settings.get('Role') ?? 'mx',
          listen: ['127.0.0.1:0'],
          tls: { mode: 'off' },
          offer: list(settings.get('Offer')),
        },
      },
      local: { domains: list(settings.get('Local')) },
      relay: { networks: [], domains: list(settings.get('Relay')) },
      ...(size === undefined ? {} : { limits: { message_size: `${size}B` } }),
    },
  });
}
