import fc from 'fast-check';
import { expect, test } from 'vitest';
import { authorsOf, headerFields, holdsHeader, missingFields } from './missing-fields.js';
import { localDateTime } from './trace-field.js';

const mail = { id: 'ID', hostname: 'mx.test', at: 0 };
const date = `Date: ${localDateTime(0)}\r\n`;
const messageId = 'Message-ID: <ID@mx.test>\r\n';

test.each([
  ['Date: x\r\nMessage-ID: <y>\r\n\r\nbody\r\n', ''],
  ['DATE: x\r\nmessage-id : <y>\r\n\r\nbody\r\n', ''],
  ['Subject: x\r\n\r\nDate: in the body\r\n', messageId + date],
  ['Date: x\r\n\r\n', messageId],
  ['Message-ID: <y>\r\nSubject: a\r\n b\r\n\r\n', date],
  ['\r\nDate: x\r\n', messageId + date],
  ['a body without any header\r\nDate: x\r\n', `${messageId}${date}\r\n`],
  ['', `${messageId}${date}\r\n`],
])('%j lacks %j', (content, expected) => {
  expect(missingFields(Buffer.from(content), mail)).toBe(expected);
});

test.each([
  ['From: a@b.test', ['a@b.test']],
  ['From: A B <a@b.test>', ['a@b.test']],
  ['From: "x@y.test" <a@b.test>, c@d.test', ['a@b.test', 'c@d.test']],
  ['From: a@b.test (c@d.test)', ['a@b.test']],
  ['Sender: <s@b.test>\r\nFrom: A\r\n <a@b.test>', ['s@b.test', 'a@b.test']],
  ['From: group: a@b.test, <c@d.test>;', ['c@d.test', 'a@b.test']],
  ['Subject: a@b.test\r\n\r\nFrom: x@y.test', []],
])('%j is from %j', (header, authors) => {
  expect(authorsOf(Buffer.from(`${header}\r\n\r\nbody\r\n`))).toEqual(authors);
});

test.each([
  ['', false],
  ['From: a\r\n', false],
  ['From: a\r\n b\r\nFro', false],
  ['From: a\r\n\r\n', true],
  ['From: a\r\nno field\r\n', true],
  ['\r\nFrom: a', true],
])('the header of %j is whole: %s', (content, expected) => {
  expect(holdsHeader(Buffer.from(content))).toBe(expected);
});

test('any content has a header section in the end, and is not changed by a second look', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      const content = Buffer.from(text.replace(/\n/g, '\r\n'), 'latin1');
      const whole = Buffer.concat([Buffer.from(missingFields(content, mail)), content]);
      const names = headerFields(whole).map(([name]) => name);
      expect(names).toContain('date');
      expect(names).toContain('message-id');
      expect(missingFields(whole, mail)).toBe('');
    }),
  );
});
