import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  enhancedStatusOf,
  MalformedReply,
  ReplyReader,
  serverReplyText,
  type ServerReply,
} from './reply-reader.js';

function read(...chunks: readonly (string | Buffer)[]): readonly ServerReply[] {
  const reader = new ReplyReader();
  const replies: ServerReply[] = [];
  for (const chunk of chunks)
    reader.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk, (reply) => replies.push(reply));
  return replies;
}

test.each([
  ['220 mx.example.org ESMTP\r\n', [{ code: 220, lines: ['mx.example.org ESMTP'] }]],
  ['250\r\n', [{ code: 250, lines: [''] }]],
  ['250 \r\n', [{ code: 250, lines: [''] }]],
  ['250 ok\n', [{ code: 250, lines: ['ok'] }]],
  ['250\tok\r\n', [{ code: 250, lines: ['ok'] }]],
  ['250-one\r\n250-two\r\n250 three\r\n', [{ code: 250, lines: ['one', 'two', 'three'] }]],
  ['250-one\r\n250\r\n', [{ code: 250, lines: ['one', ''] }]],
  ['250-one\r\n550 but no\r\n', [{ code: 550, lines: ['one', 'but no'] }]],
  [
    '250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n',
    [
      { code: 250, lines: ['2.1.0 Ok'] },
      { code: 250, lines: ['2.1.5 Ok'] },
      { code: 354, lines: ['go'] },
    ],
  ],
  ['550 grün\r\n', [{ code: 550, lines: ['grün'] }]],
  ['550 a\u001b[31mb\r\n', [{ code: 550, lines: ['a?[31mb'] }]],
  ['250 incomplete', []],
  ['', []],
])('%j', (octets, replies) => {
  expect(read(octets)).toEqual(replies);
});

test.each([
  'HTTP/1.1 400 Bad Request\r\n',
  '25 ok\r\n',
  '2500 ok\r\n',
  '250_ok\r\n',
  '150 preliminary\r\n',
  '600 no such class\r\n',
  '\r\n',
  `250 ${'x'.repeat(4096)}\r\n`,
  `250 ${'x'.repeat(4100)}`,
  '250-more\r\n'.repeat(1001),
])('%.40j is no reply', (octets) => {
  expect(() => read(octets)).toThrow(MalformedReply);
});

it('gives the replies that stand before nonsense', () => {
  const replies: ServerReply[] = [];
  const push = (): void =>
    new ReplyReader().push(Buffer.from('250 ok\r\nwhat?\r\n'), (reply) => replies.push(reply));
  expect(push).toThrow('not a reply: what?');
  expect(replies).toEqual([{ code: 250, lines: ['ok'] }]);
});

it('knows that it is in the middle of a reply', () => {
  const reader = new ReplyReader();
  const after = (text: string): boolean => {
    reader.push(Buffer.from(text), () => undefined);
    return reader.midway;
  };
  expect(['25', '0-one\r\n', '250 two\r\n'].map(after)).toEqual([true, true, false]);
});

it('keeps a hundred lines of a long reply', () => {
  expect(read(`${'250-line\r\n'.repeat(999)}250 last\r\n`)).toEqual([
    { code: 250, lines: Array.from({ length: 100 }, () => 'line') },
  ]);
});
const reply = (code: number, ...lines: readonly string[]): ServerReply => ({ code, lines });

describe('the enhanced status', () => {
  test.each([
    [reply(550, '5.1.1 No such user'), '5.1.1'],
    [reply(550, '5.1.1 No', '5.7.1 really'), '5.7.1'],
    [reply(250, '2.0.0'), '2.0.0'],
    [reply(550, '4.1.1 wrong class'), undefined],
    [reply(550, '5.1.1234 too long'), undefined],
    [reply(550, 'No 5.1.1'), undefined],
    [reply(354, '3.0.0 no such class'), undefined],
    [reply(550), undefined],
  ])('%j', (given, status) => {
    expect(enhancedStatusOf(given)).toBe(status);
  });
});

describe('a reply as one line', () => {
  test.each([
    [reply(550, '5.1.1 No such user'), '550 5.1.1 No such user'],
    [
      reply(550, '5.7.1 Blocked', '5.7.1 see https://example.org/1'),
      '550 5.7.1 Blocked see https://example.org/1',
    ],
    [reply(250, ''), '250'],
    [reply(250, 'one', '', 'two '), '250 one two'],
    [reply(550, 'x'.repeat(500)), `550 ${'x'.repeat(395)}…`],
  ])('%j', (given, text) => {
    expect(serverReplyText(given)).toBe(text);
  });
});

describe('any octets', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .array(fc.constantFrom('250', '-', ' ', '\r\n', '\n', '5.1.1', 'text', '354', '\0'), { maxLength: 40 })
      .map((parts) => Buffer.from(parts.join(''))),
  );
  function outcome(chunks: readonly Buffer[]): unknown {
    const reader = new ReplyReader();
    const replies: ServerReply[] = [];
    try {
      for (const chunk of chunks) reader.push(chunk, (given) => replies.push(given));
    } catch (error) {
      if (!(error instanceof MalformedReply)) throw error;
      return { replies, error: error.message };
    }
    return { replies, midway: reader.midway };
  }

  it('give the same in one chunk and octet by octet', () => {
    fc.assert(
      fc.property(octets, (given) => {
        const whole = Buffer.from(given);
        const single = Array.from(whole, (octet) => Buffer.from([octet]));
        expect(outcome(single)).toEqual(outcome([whole]));
      }),
      { numRuns: 500 },
    );
  });

  it('give texts without control characters and codes of three digits', () => {
    fc.assert(
      fc.property(octets, (given) => {
        const replies: ServerReply[] = [];
        try {
          new ReplyReader().push(Buffer.from(given), (one) => replies.push(one));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedReply);
        }
        for (const one of replies) {
          expect(one.code).toBeGreaterThanOrEqual(200);
          expect(one.code).toBeLessThan(600);
          expect(serverReplyText(one)).not.toMatch(/[\u0000-\u001f\u007f]/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
