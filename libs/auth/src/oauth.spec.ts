import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BearerTokens } from './bearer-tokens.js';
import { usersOf } from './memory-users.fixture.js';
import { oauthBearer, parseOauthBearer, parseXoauth2, xoauth2 } from './oauth.js';
import type { SaslContext, SaslStep } from './sasl.js';

const tokens: BearerTokens = {
  scope: 'mail',
  openidConfiguration: 'https://id.example/.well-known/openid-configuration',
  check: (token) => {
    if (token === 'down') return Promise.reject(new Error('no keys'));
    if (token === 'narrow') return Promise.resolve({ result: 'refused', error: 'insufficient_scope' });
    return Promise.resolve(
      token === 'good'
        ? { result: 'valid', name: 'ann@ours.test' }
        : { result: 'refused', error: 'invalid_token' },
    );
  },
};

const context = async (): Promise<SaslContext> => ({
  users: await usersOf({}),
  tokens,
  binding: () => undefined,
  offersBinding: false,
});

const said = (step: SaslStep): string => {
  if (step.result === 'authenticated') return step.identity.name;
  return step.result === 'failed' ? step.why : step.challenge.toString();
};

test.each([
  [
    'n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2\x01\x01',
    'user@example.com',
    'vF9dft4qmTc2',
  ],
  ['n,,\x01auth=bearer  a.b-c_d~e+f/g==\x01\x01', undefined, 'a.b-c_d~e+f/g=='],
  ['y,a=a=2Cb=3Dc,\x01auth=Bearer x\x01\x01', 'a,b=c', 'x'],
  ['n,a=ann,\x01auth=\x01\x01', 'ann', undefined],
  ['n,a=ann,\x01\x01', 'ann', undefined],
  ['n,,\x01auth=Basic x\x01\x01', undefined, undefined],
])('OAUTHBEARER %j', (text, authzid, token) => {
  expect(parseOauthBearer(text)).toEqual(JSON.parse(JSON.stringify({ authzid, token })));
});

test.each([
  '',
  '\x01',
  'n,a=ann,auth=Bearer x',
  'n,a=ann,\x01auth=Bearer x\x01',
  'n,a=,\x01auth=Bearer x\x01\x01',
  'p=tls-exporter,,\x01auth=Bearer x\x01\x01',
  'n,a=a=b,\x01auth=Bearer x\x01\x01',
  'n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01',
  'n,,\x01auth=Bearer x\x01\x01more',
])('no OAUTHBEARER: %j', (text) => {
  expect(parseOauthBearer(text)).toBeUndefined();
});

test.each([
  ['user=ann@ours.test\x01auth=Bearer ya29.x\x01\x01', { authzid: 'ann@ours.test', token: 'ya29.x' }],
  ['user=ann\x01auth=\x01\x01', { authzid: 'ann' }],
  ['user=\x01auth=Bearer x\x01\x01', undefined],
  ['user=ann\x01auth=Bearer x\x01', undefined],
])('XOAUTH2 %j', (text, expected) => {
  expect(parseXoauth2(text)).toEqual(expected);
});

test.each([
  ['n,a=ann@ours.test,\x01auth=Bearer good\x01\x01', ['ann@ours.test']],
  ['n,,\x01auth=Bearer good\x01\x01', ['ann@ours.test']],
  [
    'n,a=bob@ours.test,\x01auth=Bearer good\x01\x01',
    [
      '{"status":"invalid_token","openid-configuration":"https://id.example/.well-known/openid-configuration","scope":"mail"}',
      'credentials',
    ],
  ],
  ['n,,\x01auth=Bearer narrow\x01\x01', [expect.stringContaining('"insufficient_scope"'), 'credentials']],
  ['n,,\x01auth=\x01\x01', [expect.stringContaining('"invalid_token"'), 'credentials']],
  ['\x01', ['malformed']],
])('an exchange by OAUTHBEARER that begins %j', async (first, expected) => {
  const exchange = oauthBearer.begin(await context());
  expect(said(await exchange.respond(undefined))).toBe('');
  const steps = [said(await exchange.respond(Buffer.from(first)))];
  if (expected.length > 1) steps.push(said(await exchange.respond(Buffer.from('\x01'))));
  expect(steps).toEqual(expected);
});

test('XOAUTH2 says its errors in its own way', async () => {
  const exchange = xoauth2.begin(await context());
  const first = await exchange.respond(Buffer.from('user=ann@ours.test\x01auth=Bearer bad\x01\x01'));
  expect(said(first)).toBe('{"status":"401","schemes":"bearer","scope":"mail"}');
  expect(said(await exchange.respond(Buffer.alloc(0)))).toBe('credentials');
  const right = xoauth2.begin(await context());
  expect(said(await right.respond(Buffer.from('user=Ann@ours.test\x01auth=Bearer good\x01\x01')))).toBe(
    'ann@ours.test',
  );
});

test('keys that can not be had are a fault, and no verdict on the token', async () => {
  const exchange = oauthBearer.begin(await context());
  await expect(exchange.respond(Buffer.from('n,,\x01auth=Bearer down\x01\x01'))).rejects.toThrow('no keys');
});

test('no response breaks a parser, and what it finds was there', () => {
  const words = fc.constantFrom(
    'n',
    'y',
    ',',
    'a=',
    '\x01',
    'auth=',
    'user=',
    'Bearer ',
    'x',
    '=2C',
    '=',
    'host=h',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((all) => all.join('')),
      ),
      (text) => {
        for (const parse of [parseOauthBearer, parseXoauth2]) {
          const token = parse(text)?.token;
          if (token !== undefined) expect(text).toContain(token);
        }
      },
    ),
  );
});
