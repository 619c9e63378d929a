import fc from 'fast-check';
import { expect, test } from 'vitest';
import { envidValue, notifyValue, orcptValue, retValue } from './dsn-parameters.js';

const value = (result: object): unknown => ('refused' in result ? 'refused' : result);

test.each([
  ['full', { dsn: { envid: 'x', ret: 'FULL' } }],
  ['HDRS', { dsn: { envid: 'x', ret: 'HDRS' } }],
  ['', 'refused'],
  ['BOTH', 'refused'],
  [undefined, 'refused'],
])('RET=%s', (text, expected) => {
  expect(value(retValue(text, { envid: 'x' }))).toEqual(expected);
});

test.each([
  ['QQ314159', { dsn: { envid: 'QQ314159' } }],
  ['a+20b+2B', { dsn: { envid: 'a b+' } }],
  ['a+0Db', 'refused'],
  ['a+', 'refused'],
  ['x'.repeat(101), 'refused'],
  [undefined, 'refused'],
])('ENVID=%s', (text, expected) => {
  expect(value(envidValue(text, undefined))).toEqual(expected);
});

test.each([
  ['NEVER', { notify: ['NEVER'] }],
  ['success,Failure,DELAY', { notify: ['SUCCESS', 'FAILURE', 'DELAY'] }],
  ['NEVER,FAILURE', 'refused'],
  ['FAILURE,FAILURE', 'refused'],
  ['FAILURE,', 'refused'],
  ['ALWAYS', 'refused'],
  [undefined, 'refused'],
])('NOTIFY=%s', (text, expected) => {
  expect(value(notifyValue(text))).toEqual(expected);
});

test.each([
  ['rfc822;Bob+2Bx@b.test', { orcpt: 'rfc822;Bob+x@b.test' }],
  ['x400;/C=NO/', 'refused'],
  ['x400;/C+3DNO/', { orcpt: 'x400;/C=NO/' }],
  ['bob@b.test', 'refused'],
  [';bob@b.test', 'refused'],
  ['rfc822;', 'refused'],
  ['rfc822;a+0Ab', 'refused'],
  [`rfc822;${'x'.repeat(501)}`, 'refused'],
  [undefined, 'refused'],
])('ORCPT=%s', (text, expected) => {
  expect(value(orcptValue(text))).toEqual(expected);
});

test('any value is read without a fault', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const read of [notifyValue, orcptValue]) read(text);
      retValue(text, undefined);
      envidValue(text, undefined);
    }),
  );
});
