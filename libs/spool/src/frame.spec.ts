import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DamagedFrame,
  decodeFrame,
  decodeMail,
  encodeFrame,
  itemLength,
  mailItem,
  NewerFormat,
  writerIdLength,
} from './frame.js';
import { decodeBundle, encodeBundle, sizeOfEntry, type LogEntry, type RecordBundle } from './record-frame.js';
import { mailOf } from './spec/backends.js';

const writer = randomBytes(writerIdLength);
const octets = fc.uint8Array({ maxLength: 300 });
const items = fc.array(fc.record({ head: octets, body: octets }), { maxLength: 20 });

test('what is encoded is decoded, without a copy of the bodies', () => {
  fc.assert(
    fc.property(items, fc.nat(), (all, number) => {
      const frame = encodeFrame({ writer, number, items: all });
      const decoded = decodeFrame(frame);
      expect(decoded.number).toBe(number);
      expect(decoded.writer.equals(writer)).toBe(true);
      expect(decoded.items.map((item) => [...item!.head, ...item!.body])).toEqual(
        all.map(({ head, body }) => [...head, ...body]),
      );
      for (const item of decoded.items) expect(item!.body.buffer).toBe(frame.buffer);
      expect(frame.length).toBe(all.reduce((sum, item) => sum + itemLength(item), 36));
    }),
  );
});

test('one wrong octet damages one item at most, or is an error: never another mail', () => {
  fc.assert(
    fc.property(items, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, at, flip) => {
      const frame = encodeFrame({ writer, number: 1, items: all });
      const index = at % frame.length;
      frame[index] = frame[index]! ^ flip;
      try {
        decodeFrame(frame).items.forEach((item, n) => {
          if (!item) return;
          expect(Buffer.from(item.head).equals(all[n]!.head)).toBe(true);
          expect(Buffer.from(item.body).equals(all[n]!.body)).toBe(true);
        });
      } catch (error) {
        expect(error instanceof DamagedFrame || error instanceof NewerFormat).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test('any octets are a frame, or an error of ours', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (garbage, headed) => {
      const octetsOf = headed ? Buffer.concat([Buffer.from('PRSG\x01\0\0\0'), garbage]) : garbage;
      for (const decode of [decodeFrame, decodeBundle]) {
        try {
          decode(octetsOf);
        } catch (error) {
          expect(error instanceof DamagedFrame || error instanceof NewerFormat).toBe(true);
        }
      }
    }),
  );
});

test('a cut frame is an error', () => {
  const frame = encodeFrame({ writer, number: 1, items: [mailItem(mailOf()), mailItem(mailOf())] });
  for (let length = 0; length < frame.length; length++)
    expect(() => decodeFrame(frame.subarray(0, length))).toThrow(DamagedFrame);
});

test('a mail comes back as it went, with its content as a view', () => {
  const mail = mailOf(3, Buffer.from('Subject: grün\r\n\r\n\0\r\n'));
  const [item] = decodeFrame(encodeFrame({ writer, number: 1, items: [mailItem(mail)] })).items;
  const found = decodeMail(item!);
  expect(found.envelope).toEqual(mail.envelope);
  expect(Buffer.from(found.content!)).toEqual(mail.content);
  expect(() => decodeMail({ head: Buffer.from([0xc0]), body: Buffer.alloc(0) })).toThrow(DamagedFrame);
});

test.each(['PRSG', 'PRRC'])('%s of a newer version is told apart from damage', (magic) => {
  const frame = Buffer.alloc(64);
  frame.write(magic);
  frame.writeUInt8(2, 4);
  expect(() => (magic === 'PRSG' ? decodeFrame : decodeBundle)(frame)).toThrow(NewerFormat);
});

const entries: readonly LogEntry[] = [
  { entry: 'epoch' },
  { entry: 'record', record: { kind: 'moved', id: 'x', at: 1 } },
  {
    entry: 'record',
    record: {
      kind: 'failed',
      id: 'y',
      at: 1,
      recipients: Array.from({ length: 500 }, (_, n) => n),
      attempt: 3,
      diagnostic: { status: '5.1.1', text: '550 5.1.1 kein Anschluß'.repeat(20), remoteMta: 'mx.dest.test' },
      born: [mailOf(3, randomBytes(2_000))],
    },
  },
  {
    entry: 'put',
    deferred: {
      envelope: mailOf(200).envelope,
      open: Array.from({ length: 200 }, (_, index) => ({
        index,
        attempts: 9,
        until: Date.now(),
        unknowns: 1,
        diagnostic: { status: '4.2.0', text: '451 4.2.0 grün'.repeat(9) },
      })),
      home: 5,
      contentAt: [1, 2],
    },
  },
];
const bundle: RecordBundle = { epoch: 4, owner: 'qm-1', ownership: 'ab', bundle: 9, entries };

test('a bundle of records comes back as it went', () => {
  const decoded = decodeBundle(encodeBundle(bundle));
  expect({ ...decoded, entries: decoded.entries.slice(0, 2) }).toEqual({
    ...bundle,
    entries: entries.slice(0, 2),
  });
  expect(decoded.entries[3]).toEqual(entries[3]);
});

test('a bundle with a wrong octet is an error', () => {
  const encoded = encodeBundle(bundle);
  for (let at = 0; at < encoded.length; at += 7) {
    if (at === 5 || at === 6 || at === 7) continue;
    const damaged = Buffer.from(encoded);
    damaged[at] = damaged[at]! ^ 0x10;
    expect(() => decodeBundle(damaged)).toThrow();
  }
});

test.each(entries.map((entry): [string, LogEntry] => [entry.entry, entry]))(
  'the size of a %s is not underrated',
  (_, entry) => {
    const empty = encodeBundle({ ...bundle, entries: [] }).length;
    const actual = encodeBundle({ ...bundle, entries: [entry] }).length - empty;
    expect(sizeOfEntry(entry)).toBeGreaterThanOrEqual(actual);
  },
);
