import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ReturnPathRemover,
  returnPathInOctets,
  returnPathRemoved,
  withoutReturnPath,
} from './return-path.js';

const removed = (text: string): string => withoutReturnPath(Buffer.from(text, 'latin1')).toString('latin1');

describe('what is left of a mail', () => {
  test.each([
    ['Return-Path: <a@b.test>\r\nSubject: x\r\n\r\ntext\r\n', 'Subject: x\r\n\r\ntext\r\n'],
    ['Subject: x\r\nreturn-PATH :\r\n <a@b.test>\r\n\tc\r\nTo: y\r\n\r\n', 'Subject: x\r\nTo: y\r\n\r\n'],
    ['Return-Path:<a>\r\nReturn-Path:<b>\r\n\r\n', '\r\n'],
    ['To: y\r\n folded\r\nReturn-Path: <a>\r\n', 'To: y\r\n folded\r\n'],
    ['Return-Path: <a>', ''],
    // Of the text it is the author's.
    ['Subject: x\r\n\r\nReturn-Path: <a>\r\n', 'Subject: x\r\n\r\nReturn-Path: <a>\r\n'],
    ['\r\nReturn-Path: <a>\r\n', '\r\nReturn-Path: <a>\r\n'],
    [
      'X-Return-Path: <a>\r\nReturn-Path-X: b\r\nReturn-Pat',
      'X-Return-Path: <a>\r\nReturn-Path-X: b\r\nReturn-Pat',
    ],
    [
      'Subject: Return-Path: <a>\r\n Return-Path: <a>\r\n\r\n',
      'Subject: Return-Path: <a>\r\n Return-Path: <a>\r\n\r\n',
    ],
    ['', ''],
    ['\r', '\r'],
  ])('%j', (text, left) => {
    expect(removed(text)).toBe(left);
  });
});

const line = fc.oneof(
  fc.constantFrom(
    'Return-Path: <a@b.test>',
    'return-path:',
    'To: y',
    'Return-Patx: a',
    '',
    ' folded',
    '\tfolded',
  ),
  fc.string(),
);

test('the same whatever the pieces are, and nothing but fields of that name goes', () => {
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(12)), (lines, cuts) => {
      const text = lines.map((one) => `${one}\r\n`).join('');
      const whole = removed(text);
      const remover = new ReturnPathRemover();
      let octets = Buffer.from(text, 'latin1');
      let left = '';
      for (const cut of cuts) {
        left += remover.push(octets.subarray(0, cut)).toString('latin1');
        octets = octets.subarray(cut);
      }
      left += remover.push(octets).toString('latin1') + remover.end().toString('latin1');
      expect(left).toBe(whole);
      const header = `\r\n${whole}`.split('\r\n\r\n')[0] ?? '';
      expect(header).not.toMatch(/^return-path[ \t]*:/im);
      if (!/^return-path[ \t:]/im.test(text))
        expect(whole).toBe(Buffer.from(text, 'latin1').toString('latin1'));
    }),
  );
});

test('a content that streams', async () => {
  const chunks = ['Retu', 'rn-Path: <a>\r', '\nSubject: x\r\n', '\r', '\nReturn-Path: text'].map((part) =>
    Buffer.from(part),
  );
  let left = '';
  for await (const chunk of returnPathRemoved(chunks)) left += chunk.toString();
  expect(left).toBe('Subject: x\r\n\r\nReturn-Path: text');
});

test.each([
  [['Return-Path: <a>\r\nSubject: x\r\n\r\nReturn-Path: text\r\n'], 18],
  [['Retu', 'rn-Path: <a>\r', '\n folded\r\n', '\r', '\ntext'], 27],
  [['Subject: x\r\n', 'Return-Pat'], 0],
  [['Return-Path: <a>'], 16],
])('%j: so many octets go', async (parts, octets) => {
  const chunks = parts.map((part) => Buffer.from(part));
  expect(await returnPathInOctets(chunks)).toBe(octets);
  expect(withoutReturnPath(Buffer.concat(chunks))).toHaveLength(parts.join('').length - octets);
});

test('to count them nothing behind the header section is read', async () => {
  function* endless(): Generator<Buffer> {
    yield Buffer.from('Return-Path: <a>\r\n\r\n');
    throw new Error('read on');
  }
  expect(await returnPathInOctets(endless())).toBe(18);
});
