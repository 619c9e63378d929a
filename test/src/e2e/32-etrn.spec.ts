/** A client whose mail waits for it says ETRN, and gets it at once. */
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { startRecordingHop } from '../recording-hop.js';
import { openDialogue } from './dialogue.js';
import { until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

let postrider: RunningPostrider;
let hopPort: number;
beforeAll(async () => {
  hopPort = await freePort();
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'privacy: { etrn: networks }',
    'queue: { retry: { first: 1h, max: 1h } }',
    `routes: { "*": "smtp://127.0.0.1:${hopPort}" }`,
  ]);
});
afterAll(() => postrider.remove());

testWith('swaks')('what is deferred for an hour comes now', async () => {
  const { output } = await swaks(postrider.port, '--from', 'a@b.test', '--to', 'you@node.example');
  const id = /queued as (\S+)/.exec(output)?.[1] ?? output;
  await until('it to be deferred', async () => {
    const { stdout } = await postrider.command('queue', 'show', id, '--json');
    return stdout.includes('"deferred"');
  });
  const hop = await startRecordingHop(hopPort, []);
  const client = await openDialogue(postrider.port);
  expect(await client.command('EHLO node.example')).toContain('ETRN');
  expect(await client.command('ETRN other.example')).toMatch(/^251 /);
  expect(await client.command('ETRN node.example')).toMatch(/^253 2\.0\.0 OK, 1 /);
  await until('the mail', () => hop.heard.includes('RCPT TO:<you@node.example>'));
  client.close();
  await hop.stop();
});
