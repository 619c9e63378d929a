import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { usersOf } from './memory-users.fixture.js';
import { login, plain } from './plain.js';
import type { SaslContext, SaslStep } from './sasl.js';

let context: SaslContext;
beforeAll(async () => {
  const users = await usersOf({ 'tim@b.test': 'tanstaaf', älla: 'ÿ pass' });
  context = { users, binding: () => undefined, offersBinding: false };
});

const said = (step: SaslStep): string => {
  if (step.result === 'authenticated') return step.identity.name;
  return step.result === 'failed' ? step.why : step.challenge.toString();
};

test.each([
  ['\0tim@b.test\0tanstaaf', 'tim@b.test'],
  ['tim@b.test\0tim@b.test\0tanstaaf', 'tim@b.test'],
  ['\0älla\0ÿ pass', 'älla'],
  ['other\0tim@b.test\0tanstaaf', 'credentials'],
  ['\0tim@b.test\0wrong', 'credentials'],
  ['\0nobody\0tanstaaf', 'credentials'],
  ['\0tim@b.test\0', 'malformed'],
  ['\0\0tanstaaf', 'malformed'],
  ['tim@b.test\0tanstaaf', 'malformed'],
  ['\0tim@b.test\0tanstaaf\0', 'malformed'],
  ['', 'malformed'],
])('PLAIN %j: %s', async (response, expected) => {
  expect(said(await plain.begin(context).respond(Buffer.from(response)))).toBe(expected);
});

test('PLAIN without an initial response, and what is no UTF-8', async () => {
  expect(said(await plain.begin(context).respond(undefined))).toBe('');
  expect(said(await plain.begin(context).respond(Buffer.from([0, 0xff, 0, 0xfe])))).toBe('malformed');
});

test('LOGIN, with and without an initial response', async () => {
  const exchange = login.begin(context);
  expect(said(await exchange.respond(undefined))).toBe('Username:');
  expect(said(await exchange.respond(Buffer.from('tim@b.test')))).toBe('Password:');
  expect(said(await exchange.respond(Buffer.from('tanstaaf')))).toBe('tim@b.test');
  const second = login.begin(context);
  expect(said(await second.respond(Buffer.from('tim@b.test')))).toBe('Password:');
  expect(said(await second.respond(Buffer.from('wrong')))).toBe('credentials');
  expect(second.name).toBe('tim@b.test');
});

test('no response but the right one authenticates', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (octets) => {
      expect((await plain.begin(context).respond(Buffer.from(octets))).result).toBe('failed');
    }),
  );
});
