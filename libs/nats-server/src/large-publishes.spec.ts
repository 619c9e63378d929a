import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { connectNats } from './connect.js';
import { findNatsServer } from './find.js';

let server: ChildProcess | undefined;
let servers: readonly string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'large-publishes-'));

beforeAll(async () => {
  const { binary } = await findNatsServer({ fetch: true });
  server = spawn(binary, ['-a', '127.0.0.1', '-p', '-1', '--ports_file_dir', folder], { stdio: 'ignore' });
  await vi.waitUntil(() => readdirSync(folder).length > 0, { timeout: 10_000 });
  const [file = ''] = readdirSync(folder);
  servers = (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { readonly nats: string[] }).nats;
});
afterAll(() => {
  server?.kill();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => vi.restoreAllMocks());

test('a large payload is written from where it stands, in one call with its protocol line', async () => {
  const connection = await connectNats({ servers }, 'test');
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
  const connection = await connectNats({ servers }, 'test');
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
