import { mkdtempSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { connectNats } from './connect.js';
import { findNatsServer } from './find.js';
import { startNatsServer, type RunningServer } from './start.js';

let folder: string;
let server: RunningServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-large-publishes-'));
  const { binary } = await findNatsServer({ fetch: true });
  server = await startNatsServer({ binary, storeDir: folder, name: 'alone' });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => vi.restoreAllMocks());

test('a large payload is written from where it stands, in one call with its protocol line', async () => {
  const connection = await connectNats(server.address, 'spec');
  await connection.flush();
  const payload = Buffer.alloc(500_000, 'x');
  const written: unknown[] = [];
  let calls = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- both are called with the socket that they are asked of
  const { write, uncork } = Socket.prototype;
  vi.spyOn(Socket.prototype, 'write').mockImplementation(function (this: Socket, ...words: unknown[]) {
    written.push(words[0]);
    return write.apply(this, words as never);
  });
  vi.spyOn(Socket.prototype, 'uncork').mockImplementation(function (this: Socket) {
    calls++;
    uncork.call(this);
  });
  connection.publish('a.subject', payload);
  expect(written.map((octets) => octets === payload)).toEqual([false, true, false]);
  expect(calls).toBe(1);
  await connection.close();
});

test('messages arrive whole and in the order of their publishes, whatever their sizes', async () => {
  const connection = await connectNats(server.address, 'spec');
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 15_000, max: 90_000 })), { maxLength: 12 });
  try {
    await fc.assert(
      fc.asyncProperty(sizes, async (all) => {
        const subscription = connection.subscribe('a.subject', { max: all.length + 1 });
        const sent = all.map((size, n) => Buffer.alloc(size, n + 1));
        for (const payload of sent) connection.publish('a.subject', payload);
        connection.publish('a.subject');
        const found: Buffer[] = [];
        for await (const { data } of subscription) found.push(Buffer.from(data));
        expect(found.slice(0, -1).map((octets, n) => octets.equals(sent[n] ?? octets))).toEqual(
          all.map(() => true),
        );
        expect(found.map(({ length }) => length)).toEqual([...all, 0]);
      }),
      { numRuns: 40 },
    );
  } finally {
    await connection.close();
  }
});
