import { pbkdf2Sync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { usersOf } from './memory-users.fixture.js';
import type { SaslContext, SaslStep } from './sasl.js';
import { hash, hmac, makeScramKeys, parseScramKeys, printScramKeys } from './scram-keys.js';
import { scram, scramSha256, scramSha256Plus } from './scram.js';

const binding = Buffer.from('what both ends know');
const contextOf = async (parts: Partial<SaslContext> = {}): Promise<SaslContext> => ({
  users: await usersOf({ user: 'pencil', 'a,b=c': 'x' }),
  binding: (type) => (type === 'tls-exporter' ? binding : undefined),
  offersBinding: false,
  ...parts,
});

const said = (step: SaslStep): string => {
  if (step.result === 'authenticated') return `is ${step.identity.name}`;
  return step.result === 'failed' ? step.why : step.challenge.toString();
};

test('the example of RFC 7677 §3', async () => {
  const keys = await makeScramKeys('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096);
  const identity = { name: 'user', senders: [] };
  const context = await contextOf({
    users: {
      scramKeys: () => keys,
      identity: () => identity,
      checkPassword: () => Promise.resolve(undefined),
    },
  });
  const mechanism = scram('SCRAM-SHA-256', false, () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
  const exchange = mechanism.begin(context);
  expect(said(await exchange.respond(Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')))).toBe(
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  const final =
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
  expect(said(await exchange.respond(Buffer.from(final)))).toBe(
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  );
  expect(said(await exchange.respond(Buffer.alloc(0)))).toBe('is user');
});

interface Client {
  readonly header?: string;
  readonly user?: string;
  readonly password?: string;
  readonly bound?: Buffer;
  readonly nonce?: (theirs: string) => string;
}

/** A client that does as it is told. @returns what the server says in the end */
async function talk(mechanism: typeof scramSha256, context: SaslContext, client: Client): Promise<string> {
  const { header = 'n,,', user = 'user', password = 'pencil', bound = Buffer.alloc(0) } = client;
  const exchange = mechanism.begin(context);
  const first = `n=${user},r=abc`;
  const challenge = said(await exchange.respond(Buffer.from(header + first)));
  const [, theirs = '', salt = '', rounds] = /^r=([^,]+),s=([^,]+),i=([0-9]+)$/.exec(challenge) ?? [];
  if (rounds === undefined) return challenge;
  const channel = Buffer.concat([Buffer.from(header), bound]).toString('base64');
  const withoutProof = `c=${channel},r=${client.nonce ? client.nonce(theirs) : theirs}`;
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), 32, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(hash(clientKey), `${first},${challenge},${withoutProof}`);
  const proof = Buffer.from(clientKey.map((octet, n) => octet ^ (signature[n] ?? 0))).toString('base64');
  const last = said(await exchange.respond(Buffer.from(`${withoutProof},p=${proof}`)));
  return last.startsWith('v=') ? said(await exchange.respond(Buffer.alloc(0))) : last;
}

describe('without channel binding', () => {
  test.each<[Client, string]>([
    [{}, 'is user'],
    [{ header: 'y,,' }, 'is user'],
    [{ header: 'n,a=user,' }, 'is user'],
    [{ header: 'n,a=other,' }, 'credentials'],
    [{ user: 'a=2Cb=3Dc', password: 'x' }, 'is a,b=c'],
    [{ password: 'wrong' }, 'credentials'],
    [{ user: 'nobody' }, 'credentials'],
    [{ user: 'a=b' }, 'malformed'],
    [{ user: '' }, 'malformed'],
    [{ header: 'p=tls-exporter,,', bound: binding }, 'malformed'],
    [{ bound: binding }, 'credentials'],
    [{ nonce: () => 'abc' }, 'malformed'],
  ])('%o: %s', async (client, expected) => {
    expect(await talk(scramSha256, await contextOf(), client)).toBe(expected);
  });

  test('who could bind and was kept from it is told off (RFC 5802 §6)', async () => {
    const context = await contextOf({ offersBinding: true });
    expect(await talk(scramSha256, context, { header: 'y,,' })).toBe('malformed');
    expect(await talk(scramSha256, context, {})).toBe('is user');
  });
});

describe('with channel binding', () => {
  test.each<[Client, string]>([
    [{ header: 'p=tls-exporter,,', bound: binding }, 'is user'],
    [{ header: 'p=tls-exporter,,', bound: Buffer.from('another connection') }, 'credentials'],
    [{ header: 'p=tls-exporter,,' }, 'credentials'],
    [{ header: 'p=tls-unique,,', bound: binding }, 'malformed'],
    [{ header: 'p=tls-server-end-point,,', bound: binding }, 'malformed'],
    [{}, 'malformed'],
    [{ header: 'y,,' }, 'malformed'],
  ])('%o: %s', async (client, expected) => {
    expect(await talk(scramSha256Plus, await contextOf(), client)).toBe(expected);
  });
});

test('a name that nobody has gets the same salt each time', async () => {
  const context = await contextOf();
  const saltOf = async (name: string): Promise<string> =>
    /s=([^,]+)/.exec(said(await scramSha256.begin(context).respond(Buffer.from(`n,,n=${name},r=x`))))?.[1] ??
    '';
  expect(await saltOf('nobody')).toBe(await saltOf('nobody'));
  expect(await saltOf('nobody')).not.toBe(await saltOf('noone'));
  expect(await saltOf('nobody')).toHaveLength((await saltOf('user')).length);
});

test('keys come back as they were written', async () => {
  const keys = await makeScramKeys('x');
  expect(parseScramKeys(printScramKeys(keys))).toEqual(keys);
});

test('no message but the right one authenticates, and none throws', async () => {
  const context = await contextOf();
  const part = fc.oneof(
    fc.constantFrom(
      'n,,',
      'y,,',
      'p=tls-exporter,,',
      'n=user',
      ',r=abc',
      'c=biws',
      ',p=eA==',
      ',',
      'a=x',
      '',
    ),
    fc.string({ maxLength: 12 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(part, { maxLength: 5 }), { maxLength: 3 }), async (messages) => {
      const exchange = scramSha256.begin(context);
      for (const message of messages) {
        const step = await exchange.respond(Buffer.from(message.join('')));
        expect(step.result).not.toBe('authenticated');
        if (step.result === 'failed') break;
      }
    }),
  );
});
