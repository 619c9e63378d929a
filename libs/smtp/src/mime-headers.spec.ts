import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MimeHeaders } from './mime-headers.js';

const scanned = (text: string, cuts: readonly number[] = []): boolean => {
  const octets = Buffer.from(text.replaceAll('\n', '\r\n'));
  const headers = new MimeHeaders();
  let from = 0;
  for (const to of [...cuts.filter((cut) => cut < octets.length), octets.length]) {
    headers.feed(octets.subarray(from, to));
    from = to;
  }
  return headers.eightBit;
};

const multipart = 'Content-Type: multipart/mixed; boundary=b1\n\n';
const nested = 'Content-Type: multipart/alternative;\n boundary="b 2"\n\n';

test.each([
  ['nothing', '', false],
  ['a body', 'Subject: x\n\ngrüße\n', false],
  ['the header section', 'Subject: grüße\n\nx\n', true],
  ['a folded field', 'Subject: x\n grüße\n\nx\n', true],
  ['no header section', '\nSubject: grüße\n', false],
  ['a part', `${multipart}--b1\nContent-Disposition: attachment; filename="grüße"\n\nx\n--b1--\n`, true],
  ['a part’s body', `${multipart}grüße\n--b1\nContent-Type: text/plain\n\ngrüße\n--b1--\ngrüße\n`, false],
  ['a part without fields', `${multipart}--b1\n\nSubject: grüße\n--b1--\n`, false],
  ['a second part', `${multipart}--b1\n\nx\n--b1 \nX: grüße\n\nx\n--b1--\n`, true],
  ['a part within', `${multipart}--b1\n${nested}--b 2\nX: grüße\n\nx\n--b 2--\n--b1--\n`, true],
  ['after a part within', `${multipart}--b1\n${nested}--b 2\n\nx\n--b 2--\n\n--b1\nX: ü\n\n--b1--\n`, true],
  [
    'an outer end closes what is within',
    `${multipart}--b1\n${nested}--b 2\n\nx\n--b1--\n--b 2\nX: ü\n`,
    false,
  ],
  ['a message within', 'Content-Type: message/rfc822\n\nSubject: grüße\n\nx\n', true],
  ['its body', 'Content-Type: message/rfc822\n\nSubject: x\n\ngrüße\n', false],
  ['a message in a part', `${multipart}--b1\nContent-Type: message/global\n\nTo: ü\n\nx\n--b1--\n`, true],
  ['a signature', `Subject: x\n\ntext\n-- \nJürgen\n--b1\nX: ü\n`, false],
  ['another boundary', `${multipart}--b2\nX: ü\n\n`, false],
  ['an empty boundary', 'Content-Type: multipart/mixed; boundary=""\n\n--\nX: ü\n\n', false],
])('%s: %#', (_, text, expected) => {
  expect(scanned(text)).toBe(expected);
  for (let cut = 1; cut < Buffer.byteLength(text) + 20; cut++) expect(scanned(text, [cut])).toBe(expected);
});

test('any octets in any pieces: the same as in one, and no fault', () => {
  const word = fc.constantFrom(
    'Content-Type: ',
    'multipart/mixed; boundary=b',
    'message/rfc822',
    '--b',
    '--',
    '\n',
    '\n\n',
    ' ',
    'ü',
    'x',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), fc.array(fc.nat(200)), (words, cuts) => {
      const text = words.join('');
      expect(
        scanned(
          text,
          [...cuts].sort((a, b) => a - b),
        ),
      ).toBe(scanned(text));
    }),
  );
});

test('lines and fields of any length are borne', () => {
  expect(
    scanned(`Content-Type: multipart/x; boundary=${'b'.repeat(5000)}\n\n${'--b'.repeat(10_000)}\n`),
  ).toBe(false);
});
