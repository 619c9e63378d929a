/** A list of 20,000 members: taken with one 250, expanded page by page, each member once. */
import { setTimeout as pause } from 'node:timers/promises';
import { startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { openDialogue } from './dialogue.js';
import { until } from './maildirs.js';

const members = Array.from({ length: 20_000 }, (_, n) => `member${n}@dest.example`);
let postrider: RunningPostrider;
let sink: Sink;
const got = new Map<string, number>();
beforeAll(async () => {
  sink = await startSink({
    taken: ({ recipients }) => {
      for (const recipient of recipients) got.set(recipient, (got.get(recipient) ?? 0) + 1);
    },
  });
  postrider = await startPostrider(
    [
      'hostname: postrider.example.org',
      'local: { domains: [here.example], users: listed, list: [ann], deliver: "maildir:./mail" }',
      'aliases: { files: [./aliases] }',
      `routes: { "*": "smtp://127.0.0.1:${sink.port}" }`,
    ],
    { files: { aliases: `all: ${members.join(',\n  ')}\n` } },
  );
});
afterAll(async () => {
  await postrider.remove();
  await sink.stop();
});

test('each member gets it once', async () => {
  const session = await openDialogue(postrider.port);
  for (const command of ['EHLO client.example', 'MAIL FROM:<me@example.org>', 'RCPT TO:<all@here.example>'])
    expect(await session.command(command)).toMatch(/^250/);
  expect(await session.command('DATA')).toMatch(/^354/);
  expect(await session.command('Subject: to all\r\n\r\nHello\r\n.')).toMatch(/^250/);
  session.close();
  await until('all members', () => got.size === members.length, 120_000);
  await pause(500);
  expect([...got.values()].every((times) => times === 1)).toBe(true);
});
