import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { jwksTokens, type JwksRules } from './jwks-tokens.js';

let folder: string;
const failures: string[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-jwks-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A key pair of one run. */
async function signer(kid: string, algorithm = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const jwk = { ...(await exportJWK(publicKey)), kid };
  const sign = (claims: JWTPayload, expires = '5m'): Promise<string> =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, kid })
      .setExpirationTime(expires)
      .sign(privateKey);
  return { jwk, sign };
}

const claims = { iss: 'https://id.example', aud: 'mail', email: 'ann@ours.test' };
const listeners = { now: () => Date.now(), failed: (text: string) => failures.push(text) };
const rules = (keys: JwksRules['keys'], more: Partial<JwksRules> = {}): JwksRules => ({
  issuer: 'https://id.example',
  audience: ['mail', 'smtp'],
  identityClaim: 'email',
  scope: '',
  openidConfiguration: '',
  keys,
  ...more,
});

function fileOf(...keys: readonly object[]): { readonly file: string } {
  const file = join(folder, 'jwks.json');
  writeFileSync(file, JSON.stringify({ keys }));
  return { file };
}

const valid = { result: 'valid', name: 'ann@ours.test' };
const invalid = { result: 'refused', error: 'invalid_token' };

test('a token counts when all that it says fits, and else does not', async () => {
  const { jwk, sign } = await signer('one');
  const other = await signer('one');
  const tokens = jwksTokens(rules(fileOf(jwk)), listeners);
  const table: readonly (readonly [string, object])[] = [
    [await sign(claims), valid],
    [await sign({ ...claims, aud: ['other', 'smtp'] }), valid],
    [await sign(claims, '-1h'), invalid],
    [await sign({ ...claims, iss: 'https://evil.example' }), invalid],
    [await sign({ ...claims, aud: 'other' }), invalid],
    [await sign({ ...claims, email: 7 }), invalid],
    [await sign({ ...claims, email_verified: false }), invalid],
    [await sign({ ...claims, nbf: Math.floor(Date.now() / 1000) + 3600 }), invalid],
    [await other.sign(claims), invalid],
    [new UnsecuredJWT(claims).setExpirationTime('5m').encode(), invalid],
    ['x', invalid],
    [`${await sign(claims)}x`, invalid],
  ];
  for (const [token, verdict] of table) expect(await tokens.check(token)).toEqual(verdict);
});

test('a token that never ends is none', async () => {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA');
  const tokens = jwksTokens(rules(fileOf({ ...(await exportJWK(publicKey)), kid: 'k' })), listeners);
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid: 'k' }).sign(privateKey);
  expect(await tokens.check(token)).toEqual(invalid);
});

test('a public key is no secret to sign with', async () => {
  const { jwk } = await signer('one', 'RS256');
  const tokens = jwksTokens(rules(fileOf(jwk)), listeners);
  const forged = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'one' })
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(JSON.stringify(jwk)));
  expect(await tokens.check(forged)).toEqual(invalid);
});

test('claim and scope are the configured ones', async () => {
  const { jwk, sign } = await signer('one');
  const more = { identityClaim: 'preferred_username', scope: 'smtp.send' };
  const tokens = jwksTokens(rules(fileOf(jwk), more), listeners);
  expect(tokens.scope).toBe('smtp.send');
  const named = { ...claims, preferred_username: 'ann' };
  expect(await tokens.check(await sign({ ...named, scope: 'openid smtp.send' }))).toMatchObject({
    name: 'ann',
  });
  expect(await tokens.check(await sign({ ...named, scp: ['smtp.send'] }))).toMatchObject({ name: 'ann' });
  expect(await tokens.check(await sign({ ...named, scope: 'smtp.sender' }))).toEqual({
    result: 'refused',
    error: 'insufficient_scope',
  });
});

test('a changed file counts at once, a bad one leaves the old keys', async () => {
  const [one, two] = [await signer('one'), await signer('two')];
  const keys = fileOf(one.jwk);
  const tokens = jwksTokens(rules(keys), listeners);
  expect(await tokens.check(await two.sign(claims))).toEqual(invalid);
  fileOf(one.jwk, two.jwk);
  expect(await tokens.check(await two.sign(claims))).toEqual(valid);
  writeFileSync(keys.file, 'no JSON');
  expect(await tokens.check(await two.sign(claims))).toEqual(valid);
  expect(failures.at(-1)).toContain('jwks.json: no JWKS');
  expect(() => jwksTokens(rules(keys), listeners)).toThrow('no JWKS');
});

test('keys behind a URL; when it is away that is no verdict, and no token is in the error', async () => {
  const { jwk, sign } = await signer('one');
  let status = 500;
  const server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/jwks`;
  const token = await sign(claims);
  const tokens = jwksTokens(rules({ url }), listeners);
  const error = await tokens.check(token).then(String, String);
  expect(error).toContain('Error');
  for (const part of token.split('.')) expect(error).not.toContain(part);
  status = 200;
  expect(await tokens.check(token)).toEqual(valid);
});
