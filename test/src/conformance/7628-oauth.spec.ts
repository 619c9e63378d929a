/** OAUTHBEARER (RFC 7628) and XOAUTH2 over real sockets, with keys behind a URL. */
import { join } from 'node:path';
import { makeUser, writeUsers } from '@postrider/auth';
import { tempFolder, type TempFolder } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTokenIssuer, type TokenIssuer } from '../token-issuer.js';
import { RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';

let folder: TempFolder;
let issuer: TokenIssuer;
let ingress: RunningIngress;

const listeners = { s: { role: 'submissions', listen: ['127.0.0.1:0'] } };

beforeAll(async () => {
  folder = tempFolder('postrider-oauth-');
  issuer = await startTokenIssuer();
  writeUsers(join(folder.path, 'users'), [await makeUser('ann@ours.test', 'unused', ['@lists.test'])]);
  const oauth = { issuer: issuer.issuer, audience: ['mail'], jwks_url: issuer.jwksUrl, scope: 'smtp' };
  const discovery = { openid_configuration: 'https://id.example/.well-known/openid-configuration' };
  ingress = await startIngress({
    config: { data_dir: folder.path, listeners, oauth: { ...oauth, ...discovery } },
  });
});
afterAll(async () => {
  await ingress.drain();
  await issuer.stop();
  folder.remove();
});

async function submitting(port = ingress.port): Promise<RawClient> {
  const client = await RawClient.connectTls(port);
  await client.reply();
  return client;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const bearer = (token: string, authzid = 'n,,'): string =>
  base64(`${authzid}\x01host=mx.example.org\x01port=465\x01auth=Bearer ${token}\x01\x01`);
const scope = { scope: 'openid smtp' };

test('a token of the issuer authenticates whom it names, with what the users file says of her', async () => {
  const client = await submitting();
  expect((await client.command('EHLO client.example')).lines).toContain(
    'AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 OAUTHBEARER XOAUTH2 PLAIN LOGIN',
  );
  const response = bearer(await issuer.token('ann@ours.test', scope), 'n,a=ann@ours.test,');
  expect(await client.codes('AUTH OAUTHBEARER', response, 'MAIL FROM:<news@lists.test>')).toEqual([
    334, 235, 250,
  ]);
  client.close();
});

test('by XOAUTH2, of somebody who is in no users file, with an initial response longer than any command', async () => {
  const client = await submitting();
  await client.command('EHLO client.example');
  const token = await issuer.token('carl@else.test', { ...scope, groups: ['x'.repeat(4_000)] });
  const initial = base64(`user=carl@else.test\x01auth=Bearer ${token}\x01\x01`);
  expect(
    await client.codes(
      `AUTH XOAUTH2 ${initial}`,
      'MAIL FROM:<carl@else.test>',
      'RSET',
      'MAIL FROM:<ann@ours.test>',
    ),
  ).toEqual([235, 250, 250, 550]);
  client.close();
});

test('a refused token is answered with what would be right, and the exchange fails after it', async () => {
  const client = await submitting();
  await client.command('EHLO client.example');
  const wrong = await client.command(`AUTH OAUTHBEARER ${bearer(await issuer.token('ann@ours.test'))}`);
  expect(wrong.code).toBe(334);
  expect(JSON.parse(Buffer.from(wrong.lines[0] ?? '', 'base64').toString())).toEqual({
    status: 'insufficient_scope',
    scope: 'smtp',
    'openid-configuration': 'https://id.example/.well-known/openid-configuration',
  });
  expect(await client.codes(base64('\x01'), 'AUTH OAUTHBEARER', base64('\x01'), 'NOOP')).toEqual([
    535, 334, 501, 250,
  ]);
  client.close();
});

test('for somebody else it is no token', async () => {
  const client = await submitting();
  await client.command('EHLO client.example');
  const response = bearer(await issuer.token('ann@ours.test', scope), 'n,a=boss@ours.test,');
  expect(await client.codes(`AUTH OAUTHBEARER ${response}`, '*')).toEqual([334, 501]);
  client.close();
});

test('other commands are no longer than before', async () => {
  const client = await submitting();
  await client.command('EHLO client.example');
  expect(await client.codes(`NOOP ${'x'.repeat(3_000)}`, `AUTH PLAIN ${'A'.repeat(13_000)}`, 'NOOP')).toEqual(
    [500, 500, 250],
  );
  client.close();
});

test('without keys nothing is known, and nothing of a token is logged', async () => {
  const gone = await startTokenIssuer();
  const oauth = { issuer: gone.issuer, audience: ['mail'], jwks_url: gone.jwksUrl };
  const own = await startIngress({ config: { data_dir: folder.path, listeners, oauth } });
  const token = await gone.token('ann@ours.test');
  await gone.stop();
  const client = await submitting(own.port);
  await client.command('EHLO client.example');
  expect((await client.command(`AUTH OAUTHBEARER ${bearer(token)}`)).code).toBe(454);
  expect(own.faults).toHaveLength(1);
  for (const part of token.split('.')) expect(JSON.stringify(own.faults)).not.toContain(part);
  client.close();
  await own.drain();
});

test('where nobody says whose tokens are taken, none are', async () => {
  const own = await startIngress({ config: { data_dir: folder.path, listeners } });
  const client = await submitting(own.port);
  const { lines } = await client.command('EHLO client.example');
  expect(lines).toContain('AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN');
  expect((await client.command('AUTH OAUTHBEARER')).code).toBe(504);
  client.close();
  await own.drain();
});
