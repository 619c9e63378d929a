import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats } from './connect.js';
import { findNatsServer } from './find.js';
import { ReplyInbox } from './reply-inbox.js';
import { startNatsServer, type RunningServer } from './start.js';

let folder: string;
let server: RunningServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-replies-'));
  const { binary } = await findNatsServer({ fetch: true });
  server = await startNatsServer({ binary, storeDir: folder, name: 'alone' });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('each message comes to its question while that is open, and to nobody after', async () => {
  const nats = await connectNats(server.address, 'spec');
  const heard: string[] = [];
  const inbox = new ReplyInbox<string>(nats, (_, question, message) =>
    heard.push(`${question}: ${message.string()}`),
  );
  const first = inbox.open('first');
  const second = inbox.open('second');
  expect(inbox.awaited).toEqual([first, second]);
  nats.publish(second, 'one');
  nats.publish(first, 'two');
  nats.publish(second, 'three');
  await nats.flush();
  await expect.poll(() => heard).toEqual(['second: one', 'first: two', 'second: three']);

  expect(inbox.close(first)).toBe('first');
  expect(inbox.close(first)).toBeUndefined();
  nats.publish(first, 'late');
  nats.publish(second, 'last');
  await expect.poll(() => heard.at(-1)).toBe('second: last');
  expect(heard).not.toContain('first: late');
  expect(inbox.awaited).toEqual([second]);
  await nats.close();
});
