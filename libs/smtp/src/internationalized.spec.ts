/** Addresses in any script (RFC 6531 §3.3). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEhloArgument, parseMailArguments, parseRcptArguments } from './command-syntax.js';
import { DataScanner } from './data-scanner.js';
import { parseMailbox } from './mailbox.js';
import { renderReply } from './render-reply.js';

test.each([
  ['jörg@example.org', 'jörg@example.org'],
  ['用户@例子.test', '用户@xn--fsqu00a.test'],
  ['a@BÜCHER.example', 'a@xn--bcher-kva.example'],
  ['"grüß gott"@example.org', '"grüß gott"@example.org'],
  ['a@münchen.de.', undefined],
  ['a@-ü.example', undefined],
  ['a@ü..example', undefined],
  ['a\u0085b@example.org', undefined],
  [`${'ü'.repeat(129)}@example.org`, undefined],
])('%s is %s', (text, expected) => {
  expect(parseMailbox(text)?.text).toBe(expected);
});

const octets = (text: string): string => Buffer.from(text).toString('latin1');

test('commands hold UTF-8, and nothing else beyond US-ASCII', () => {
  expect(parseMailArguments(octets('FROM:<jörg@b.test> SMTPUTF8'))).toMatchObject({
    ok: true,
    value: { reversePath: 'jörg@b.test' },
  });
  expect(parseRcptArguments(octets('TO:<ö@ü.test> ORCPT=utf-8;ö@ü.test'))).toMatchObject({
    ok: true,
    value: { forwardPath: { localPart: 'ö', domain: 'xn--tda.test' } },
  });
  expect(parseMailArguments('FROM:<j\xf6rg@b.test>')).toMatchObject({ ok: false, part: 'path' });
  // RFC 6531 §3.7.1
  expect(parseEhloArgument(octets('bücher.example'))).toMatchObject({ ok: false });
});

test('any octets in a command are read without a fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      parseMailArguments(`FROM:<${text}`);
      parseRcptArguments(`TO:<a@${text}>`);
      parseEhloArgument(text);
    }),
  );
});

test.each([
  ['Subject: plain\r\n\r\nbödy\r\n', false],
  ['Subject: grün\r\n\r\nbody\r\n', true],
  ['Subject: plain\r\n\u00fc: x\r\n\r\n', true],
  ['Receiveü: plain\r\n\r\n', true],
  ['a: b\r\n ü\r\n\r\n', true],
])('%j: header not US-ASCII: %s, whatever the packets', (content, expected) => {
  for (const size of [1, 3, 1000]) {
    const scanner = new DataScanner(() => undefined);
    const text = Buffer.from(`${content}.\r\n`);
    for (let at = 0; at < text.length; at += size) scanner.scan(text.subarray(at, at + size));
    expect(scanner.eightBitHeader).toBe(expected);
  }
});

test('a reply is in UTF-8 only where that was asked for', () => {
  const reply = { code: 250, enhanced: '2.1.5', lines: ['<ö@b.test>'] } as const;
  expect(renderReply(reply)).toBe('250 2.1.5 <?@b.test>\r\n');
  expect(renderReply({ ...reply, utf8: true })).toBe(octets('250 2.1.5 <ö@b.test>\r\n'));
});
