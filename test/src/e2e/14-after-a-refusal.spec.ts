/** A session goes on after a refused mail: the next one over it is taken. */
import { startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { openDialogue } from './dialogue.js';
import { until } from './maildirs.js';

let postrider: RunningPostrider;
let sink: Sink;
beforeAll(async () => {
  sink = await startSink({
    rules: { 'refused@dest.test': [{ at: 'rcpt', reply: '550 5.1.1 No such user' }] },
  });
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'outbound: { channels_per_site: 1 }',
    `routes: { dest.test: "smtp://127.0.0.1:${sink.port}" }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  await sink.stop();
});

test('over one connection', async () => {
  const session = await openDialogue(postrider.port);
  await session.command('EHLO client.example');
  for (const to of ['refused', 'taken', 'refused', 'taken-too']) {
    for (const command of ['MAIL FROM:<me@localhost>', `RCPT TO:<${to}@dest.test>`, 'DATA'])
      await session.command(command);
    expect(await session.command(`Subject: t\r\nX-Postrider-Test: ${to}\r\n\r\nt\r\n.`)).toMatch(/^250/);
  }
  session.close();
  await until('both that are taken', () => sink.received.has('taken') && sink.received.has('taken-too'));
  expect(sink.received.has('refused')).toBe(false);
  // Fewer connections than mails: some went over one that had seen a refusal.
  expect(sink.connections().all).toBeLessThan(4);
});
