import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDomain, isMailbox, parseMailbox, splitMailbox } from './mailbox.js';

describe('Mailbox', () => {
  test.each([
    ['user@example.org', 'user', 'example.org', 'user@example.org'],
    ['User@EXAMPLE.org', 'User', 'example.org', 'User@example.org'],
    ['a.b+c@x', 'a.b+c', 'x', 'a.b+c@x'],
    ["!#$%&'*+-/=?^_`{|}~@x.test", "!#$%&'*+-/=?^_`{|}~", 'x.test', "!#$%&'*+-/=?^_`{|}~@x.test"],
    ['"a b"@x.test', 'a b', 'x.test', '"a b"@x.test'],
    ['"joe"@x.test', 'joe', 'x.test', 'joe@x.test'],
    ['"Joe\\,Smith"@x.test', 'Joe,Smith', 'x.test', '"Joe,Smith"@x.test'],
    ['"a\\"b\\\\c"@x.test', 'a"b\\c', 'x.test', '"a\\"b\\\\c"@x.test'],
    ['"a@b"@x.test', 'a@b', 'x.test', '"a@b"@x.test'],
    ['""@x.test', '', 'x.test', '""@x.test'],
    ['a@[192.0.2.1]', 'a', '[192.0.2.1]', 'a@[192.0.2.1]'],
    ['a@[192.000.002.001]', 'a', '[192.0.2.1]', 'a@[192.0.2.1]'],
    ['a@[ipv6:2001:DB8::1]', 'a', '[IPv6:2001:db8::1]', 'a@[IPv6:2001:db8::1]'],
    ['a@[IPv6:::]', 'a', '[IPv6:::]', 'a@[IPv6:::]'],
    ['a@[IPv6:1:2:3:4:5:6:7:8]', 'a', '[IPv6:1:2:3:4:5:6:7:8]', 'a@[IPv6:1:2:3:4:5:6:7:8]'],
    ['a@[IPv6:::ffff:192.0.2.1]', 'a', '[IPv6:::ffff:192.0.2.1]', 'a@[IPv6:::ffff:192.0.2.1]'],
    ['a@1.example', 'a', '1.example', 'a@1.example'],
    ['a@xn--bcher-kva.example', 'a', 'xn--bcher-kva.example', 'a@xn--bcher-kva.example'],
  ])('%s', (text, localPart, domain, whole) => {
    expect(parseMailbox(text)).toEqual({ localPart, domain, text: whole });
  });

  test.each([
    '',
    'user',
    '@example.org',
    'user@',
    '.user@x.test',
    'user.@x.test',
    'us..er@x.test',
    'us er@x.test',
    'a@b@x.test',
    '"a"b@x.test',
    '"a@x.test',
    '"a\u0007b"@x.test',
    'a@x..test',
    'a@.x.test',
    'a@x.test.',
    'a@-x.test',
    'a@x-.test',
    'a@under_score.test',
    'a@[256.0.0.1]',
    'a@[1.2.3]',
    'a@[1.2.3.4',
    'a@1.2.3.4]',
    'a@[2001:db8::1]',
    'a@[IPv6:1:2:3]',
    'a@[IPv6:1::2::3]',
    'a@[IPv6:1:2:3:4:5:6:7::8]',
    'a@[IPv6:12345::]',
    'a@[IPv6:::1.2.3]',
    'a@[IPv6:1.2.3.4::]',
    'a@[Unknown:x]',
    'b\u0085cher@x.test',
    'a@-bücher.test',
    `a@${'x'.repeat(64)}.test`,
    `a@${Array.from({ length: 130 }, () => 'x').join('.')}`,
    `${'a'.repeat(257)}@x.test`,
  ])('is not: %s', (text) => {
    expect(isMailbox(text)).toBe(false);
  });
});

test.each([
  ['example.org', true],
  ['localhost', true],
  ['', false],
  ['a b', false],
  ['[192.0.2.1]', false],
])('domain %s: %s', (text, expected) => {
  expect(isDomain(text)).toBe(expected);
});

test.each([
  ['a@B.test', { localPart: 'a', domain: 'b.test' }],
  ['"x@y"@b.test', { localPart: '"x@y"', domain: 'b.test' }],
  ['postmaster', { localPart: 'postmaster', domain: '' }],
])('split %s', (text, parts) => {
  expect(splitMailbox(text)).toEqual(parts);
});

test('what a mailbox is written as is that mailbox again', () => {
  const localPart = fc.string({
    unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
    maxLength: 40,
  });
  fc.assert(
    fc.property(localPart, (text) => {
      const quoted = `"${text.replace(/["\\]/g, '\\$&')}"@x.test`;
      const mailbox = parseMailbox(quoted)!;
      expect(mailbox.localPart).toBe(text);
      expect(parseMailbox(mailbox.text)).toEqual(mailbox);
    }),
    { numRuns: 500 },
  );
});

test('no text makes the parser throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => void parseMailbox(text)),
    {
      numRuns: 300,
    },
  );
});
