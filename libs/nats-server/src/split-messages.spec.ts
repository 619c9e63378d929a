import fc from 'fast-check';
import { Parser } from 'nats/lib/nats-base-client/parser.js';
import { expect, test } from 'vitest';
import { mendClientLibrary } from './client-library.js';

mendClientLibrary();
mendClientLibrary();

/** As a server sends them, cut where it pleases the network. @returns the payloads that were read */
function read(payloads: readonly Uint8Array[], cuts: readonly number[]): Uint8Array[] {
  const wire = Buffer.concat(
    payloads.flatMap((payload) => [
      Buffer.from(`MSG a.subject 7 ${payload.length}\r\n`),
      payload,
      Buffer.from('\r\n'),
    ]),
  );
  const found: Uint8Array[] = [];
  const parser = new Parser({
    push: ({ data }) => {
      if (data) found.push(data);
    },
  });
  let from = 0;
  for (const cut of cuts) {
    parser.parse(wire.subarray(from, from + cut));
    from = Math.min(from + cut, wire.length);
  }
  parser.parse(wire.subarray(from));
  return found;
}

test('a message of a megabyte in 64 KiB reads stays in hardly more than its size', () => {
  const payload = Buffer.alloc(1_000_000, 'x');
  const [found] = read(
    [payload],
    Array.from({ length: 15 }, () => 64 * 1024),
  );
  expect(Buffer.from(found ?? []).equals(payload)).toBe(true);
  expect(found?.buffer.byteLength).toBeLessThan(1_200_000);
});

test('messages are the same, wherever they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
      fc.array(fc.nat(120), { maxLength: 20 }),
      (payloads, cuts) => {
        const found = read(payloads, cuts).map((payload) => [...payload]);
        expect(found).toEqual(payloads.map((payload) => [...payload]));
      },
    ),
  );
});
