import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExtensions, sizeLimit } from './ehlo-reply.js';
import { MalformedReply, ReplyReader, serverReplyText } from './reply-reader.js';

test.each([
  ['250 2.1.0 Ok\r\n', [{ code: 250, enhanced: '2.1.0', lines: ['2.1.0 Ok'] }]],
  ['250\r\n', [{ code: 250, lines: [''] }]],
  ['250-a\r\n250-b\r\n250 c\r\n', [{ code: 250, lines: ['a', 'b', 'c'] }]],
  [
    '250 one\n354 two\n',
    [
      { code: 250, lines: ['one'] },
      { code: 354, lines: ['two'] },
    ],
  ],
  ['550 4.1.1 of another class\r\n', [{ code: 550, lines: ['4.1.1 of another class'] }]],
])('%j', (octets, replies) => {
  expect(new ReplyReader().push(Buffer.from(octets))).toEqual(replies);
});

test.each(['hello\r\n', '25 short\r\n', '650 no such class\r\n', `250 ${'x'.repeat(5000)}`])(
  '%j is no reply',
  (octets) => {
    expect(() => new ReplyReader().push(Buffer.from(octets))).toThrow(MalformedReply);
  },
);

test('replies are the same however they are cut', () => {
  const octets = Buffer.from(
    '220 hi\r\n250-a\r\n250-SIZE 10\r\n250 PIPELINING\r\n354 go\r\n250 2.0.0 Ok\r\n',
  );
  const whole = new ReplyReader().push(octets);
  fc.assert(
    fc.property(fc.array(fc.nat({ max: octets.length }), { maxLength: 10 }), (cuts) => {
      const reader = new ReplyReader();
      const places = [0, ...cuts.toSorted((a, b) => a - b), octets.length];
      const pieces = places.slice(1).map((end, index) => octets.subarray(places[index], end));
      expect(pieces.flatMap((piece) => reader.push(piece))).toEqual(whole);
    }),
  );
});

test('garbage gives replies or MalformedReply, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
      try {
        for (const reply of new ReplyReader().push(Buffer.from(octets)))
          expect(serverReplyText(reply)).toMatch(/^[2-5]\d\d/);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedReply);
      }
    }),
  );
});

test('extensions', () => {
  const extensions = parseExtensions([
    'mx.test at your service',
    'PIPELINING',
    'size 1000',
    'AUTH=LOGIN',
    '',
  ]);
  expect([...extensions]).toEqual([
    ['PIPELINING', ''],
    ['SIZE', '1000'],
    ['AUTH', 'LOGIN'],
  ]);
  expect(sizeLimit(extensions)).toBe(1000);
  expect(sizeLimit(new Map([['SIZE', '0']]))).toBeUndefined();
});
