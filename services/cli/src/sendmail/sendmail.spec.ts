import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSendmailFlags } from './flags.js';
import { crlf, withHeader } from './message.js';
import { recipientsOf, withoutBcc } from './recipients.js';

test.each([
  [['-t', '-i'], { recipientsFromHeader: true, ignoreDots: true }],
  [
    ['-oi', '-f', 'me@example.org', 'you@example.org'],
    { ignoreDots: true, from: 'me@example.org', recipients: ['you@example.org'] },
  ],
  [
    ['-fme@example.org', '--', '-odd@example.org'],
    { from: 'me@example.org', recipients: ['-odd@example.org'] },
  ],
  [['-f', '<>', 'you@example.org'], { from: '' }],
  [['-bp'], { mode: 'list-queue' }],
  [['-bi'], { mode: 'new-aliases' }],
  [['-bd'], { mode: 'refused' }],
  [['-bs'], { mode: 'refused' }],
  [['-bm', '-t'], { mode: 'deliver', recipientsFromHeader: true }],
  [
    ['-r', '<me@example.org>', '-', 'you@example.org'],
    { from: 'me@example.org', recipients: ['-', 'you@example.org'] },
  ],
  // Flags without a meaning here, with and without a value: none of it is taken for a recipient.
  [['-N', 'never', '-R', 'hdrs', '-odb', '-q', '-v', 'you@example.org'], { recipients: ['you@example.org'] }],
  [['-f'], { from: '', recipients: [] }],
  [
    ['-F', 'Full Name', '-oem', 'you@example.org'],
    { fullName: 'Full Name', recipients: ['you@example.org'] },
  ],
])('%j', (words, call) => {
  expect(parseSendmailFlags(words)).toMatchObject(call);
});

test('recipients of a header, and no Bcc goes out', () => {
  const message = Buffer.from(
    'To: "A, B" <a@example.org>, b@example.org (b)\r\nCc: c@example.org\r\nBcc: d@example.org\r\n\r\nbody\r\n',
  );
  expect(recipientsOf(message)).toEqual(['a@example.org', 'b@example.org', 'c@example.org', 'd@example.org']);
  expect(withoutBcc(message).toString()).not.toContain('d@example.org');
  expect(withoutBcc(message).toString()).toContain('\r\n\r\nbody\r\n');
});

const options = { from: 'me@example.org', to: [], subject: '', hostname: 'host.example', at: 0 };

test('missing fields are added, those that are there stay', () => {
  const text = Buffer.from(withHeader(Buffer.from('Date: today\nSubject: s\n\nbody'), options)).toString();
  expect(text).toMatch(
    /^From: me@example\.org\r\nMessage-ID: <[^>]+@host\.example>\r\nDate: today\r\nSubject: s\r\n\r\nbody\r\n$/,
  );
});

test('line ends are CRLF, whatever they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      expect(crlf(Buffer.from(octets)).toString('latin1').replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
    }),
  );
});

test('any words are a call, and no word is lost behind --', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (words, last) => {
      const { recipients } = parseSendmailFlags([...words, 'x', '--', ...last]);
      expect(recipients.slice(recipients.length - last.length)).toEqual(last);
    }),
  );
});
