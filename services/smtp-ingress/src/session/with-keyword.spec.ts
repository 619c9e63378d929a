import { expect, test } from 'vitest';
import { withKeyword } from './with-keyword.js';

test.each([
  ['SMTP', false, false, false, 'SMTP'],
  ['SMTP', true, false, false, 'SMTP'],
  ['ESMTP', false, false, false, 'ESMTP'],
  ['ESMTP', true, false, false, 'ESMTPS'],
  ['ESMTP', false, true, false, 'ESMTPA'],
  ['ESMTP', true, true, false, 'ESMTPSA'],
  ['ESMTP', true, true, true, 'UTF8SMTPSA'],
  ['LMTP', false, false, false, 'LMTP'],
  ['LMTP', true, true, false, 'LMTPSA'],
  ['LMTP', true, false, true, 'UTF8LMTPS'],
] as const)('%s, encrypted %s, authenticated %s, utf8 %s: %s', (...row) => {
  const [protocol, encrypted, authenticated, utf8, expected] = row;
  expect(withKeyword({ protocol, encrypted, authenticated, utf8 })).toBe(expected);
});
