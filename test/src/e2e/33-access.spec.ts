/** Access rules of a system as it is started: by the client's name in the DNS, holding what looks odd, marking the rest. */
import { join } from 'node:path';
import { startNameserver, type Nameserver } from '@postrider/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { mailsIn, until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

let postrider: RunningPostrider;
let nameserver: Nameserver;
const rules = [
  'name=.odd.test to=held@localhost hold From an odd host',
  'name=client.odd.test header X-Client: odd',
].map((rule) => JSON.stringify(rule));

beforeAll(async () => {
  nameserver = await startNameserver({
    '1.0.0.127.in-addr.arpa': { ptr: ['client.odd.test'] },
    'client.odd.test': { a: ['127.0.0.1'] },
  });
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'local: { deliver: "maildir:./mail" }',
    `dns: { servers: ["127.0.0.1:${nameserver.port}"] }`,
    `access: { rules: [${rules.join(', ')}] }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  await nameserver.stop();
});

const send = async (to: string): Promise<string> => {
  const { output } = await swaks(postrider.port, '--from', 'a@b.test', '--to', to);
  return /queued as (\S+)/.exec(output)?.[1] ?? output;
};
const delivered = (user: string): Promise<string> =>
  until(`mail for ${user}`, () => mailsIn(join(postrider.folder, 'mail', user, 'Maildir'))[0]);

testWith('swaks')('a field is put on top', async () => {
  await send('ann@localhost');
  expect(await delivered('ann')).toMatch(/^X-Client: odd\r$/m);
});

testWith('swaks')('what is held is shown, stays over a restart, and goes when it is released', async () => {
  const id = await send('held@localhost');
  const held = (): Promise<string> =>
    until('it to be held', async () => {
      const { stdout } = await postrider.command('queue', 'show', id, '--json');
      return stdout.includes('From an odd host') && stdout;
    });
  expect(await held()).toContain('"held"');
  await postrider.stop();
  await postrider.start();
  await held();
  expect(mailsIn(join(postrider.folder, 'mail/held/Maildir'))).toEqual([]);
  expect((await postrider.command('queue', 'release', id)).code).toBe(0);
  expect(await delivered('held')).toContain(id);
});
