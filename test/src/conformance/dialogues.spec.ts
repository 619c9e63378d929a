import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeUser, writeUsers } from '@postrider/auth';
import type { ResolveAnswer } from '@postrider/protocol';
import { tempFolder } from '@postrider/testing';
import { describe, expect, test } from 'vitest';
import { playDialogue, readDialogue, type Dialogue } from './dialogue.js';
import { RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';

const folder = fileURLToPath(new URL('./dialogues/', import.meta.url));

describe.each(readdirSync(folder).map((file) => ({ file })))('$file', ({ file }) => {
  const dialogue = readDialogue(folder + file);

  test('goes as written', async () => {
    const folder = tempFolder('postrider-dialogue-');
    const ingress = await startIngressFor(dialogue, folder.path);
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
    folder.remove();
  });
});

const all = readdirSync(folder)
  .map((file) => readFileSync(folder + file, 'utf8'))
  .join('\n');

test('every verb is spoken in a dialogue, and every extension is shown in one', async () => {
  const settings = new Map([
    ['Role', 'submission'],
    ['Tls', 'on'],
    ['Trusts', '127.0.0.1'],
    ['Shows', 'etrn'],
    ['User', 'ann@ours.test pass word'],
  ]);
  const data = tempFolder('postrider-dialogue-');
  const ingress = await startIngressFor({ settings, turns: [] }, data.path);
  const client = await RawClient.connect(ingress.port);
  await client.reply();
  await client.command('EHLO client.example');
  const [, ...clear] = (await client.command('EHLO client.example')).lines;
  const [, ...verbs] = (await client.command('HELP')).lines;
  await client.command('STARTTLS');
  await client.startTls();
  const [, ...secured] = (await client.command('EHLO client.example')).lines;
  for (const line of new Set([...clear, ...secured])) {
    const keyword = line.split(' ')[0] ?? '';
    expect(all, keyword).toMatch(new RegExp(`^S: 250.*\\b${keyword}\\b`, 'm'));
  }
  for (const line of verbs) {
    const verb = /[A-Z]+/.exec(line)?.[0] ?? '';
    expect(all, verb).toMatch(new RegExp(`^C: ${verb}\\b`, 'm'));
  }
  client.close();
  await ingress.drain();
  data.remove();
});

const list = (text: string | undefined): string[] => (text === undefined ? [] : text.split(', '));

/**
 * Role: of the listener. Tls: on. Auth: offered. User: name and password. Trusts: whose XCLIENT is taken. Shows: what
 * anybody may ask for. Networks: who may relay. Local: our domains. Users: who is there; everybody without it. Relay: domains. Size: octets.
 */
async function startIngressFor({ settings }: Dialogue, folder: string): Promise<RunningIngress> {
  const users = list(settings.get('Users'));
  const resolve = (forwardPath: string): ResolveAnswer =>
    users.length === 0 || users.includes(forwardPath.split('@')[0] ?? '')
      ? { result: 'local' }
      : { result: 'unknown' };
  const size = settings.get('Size');
  const [name, password] = settings.get('User')?.split(/ (.*)/) ?? [];
  if (name !== undefined) writeUsers(join(folder, 'users'), [await makeUser(name, password ?? '', [])]);
  return startIngress({
    resolve,
    config: {
      listeners: {
        it: {
          role: settings.get('Role') ?? 'mx',
          listen: ['127.0.0.1:0'],
          tls: { mode: settings.has('Tls') ? 'auto' : 'off' },
          auth: { mode: settings.get('Auth') ?? 'auto' },
          xclient_from: list(settings.get('Trusts')),
        },
      },
      local: { domains: list(settings.get('Local')) },
      data_dir: folder,
      privacy: Object.fromEntries(list(settings.get('Shows')).map((what) => [what, 'all'])),
      relay: { networks: list(settings.get('Networks')), domains: list(settings.get('Relay')) },
      ...(size === undefined ? {} : { limits: { message_size: `${size}B` } }),
    },
  });
}
