import fc from 'fast-check';
import { expect, test } from 'vitest';
import { authorsOf, headerFields, holdsHeader, missingFields, problemOfFrom } from './missing-fields.js';
import { localDateTime } from './trace-field.js';

const mail = { id: 'ID', hostname: 'mx.test', at: 0, sender: '' };
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
  ['Date: x\r\nMessage-ID: <y>\r\n\r\nFrom: a\r\n', 'a@b.test', 'From: <a@b.test>\r\n'],
  ['Date: x\r\nMessage-ID: <y>\r\nfrom: c@d.test\r\n\r\n', 'a@b.test', ''],
  ['text', 'ö@b.test', `${messageId}${date}From: <\xc3\xb6@b.test>\r\n\r\n`],
])('%j of %s lacks %j', (content, sender, expected) => {
  expect(missingFields(Buffer.from(content), { ...mail, sender })).toBe(expected);
});

test.each([
  ['From: a@b.test', undefined],
  ['From: Ann <a@b.test>, c@d.test', undefined],
  ['Subject: x', undefined],
  ['From: a@b.test\r\nFROM: a@b.test', 'From is given more than once'],
  ['From:', 'From names no address'],
  ['From: The Boss', 'From names no address'],
  ['From: "boss@b.test"', undefined],
  ['From: nobody:;', 'From names no address'],
])('From of %j: %s', (header, expected) => {
  expect(problemOfFrom(Buffer.from(`${header}\r\n\r\n`), { sender: 'a@b.test' })).toBe(expected);
});

test('without a From, and without a sender who could be named there', () => {
  expect(problemOfFrom(Buffer.from('Subject: x\r\n\r\n'), { sender: '' })).toBe('From is missing');
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
