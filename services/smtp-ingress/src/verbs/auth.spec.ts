import { AuthGuard, login, plain, type Users } from '@postrider/auth';
import { expect, test } from 'vitest';
import { factsOfTest, ingressOfTest } from '../spec/ingress-of-test.js';
import { auth } from './auth.js';
import type { SessionFacts } from './verb.js';

const ready = { name: 'ready', client: { helo: 'c.example', protocol: 'ESMTP' } } as const;
const users: Users = {
  checkPassword: (name, password) =>
    Promise.resolve(password === 'right' ? { name, senders: [] } : undefined),
  scramKeys: () => Promise.reject(new Error('not asked')),
  identity: () => undefined,
};

/** Three failures are borne. @returns what tries a password, and tells the code of the reply */
function trying(): (address: string, name: string, password: string) => Promise<number> {
  const ingress = ingressOfTest();
  const guard = new AuthGuard({
    now: () => ingress.clock.monotonic(),
    limit: () => 3,
    withinMilliseconds: 600_000,
  });
  const listener = {
    users,
    guard,
    mechanisms: [plain, login],
    required: true,
    withoutTls: true,
    owned: true,
  };
  return async (address, name, password) => {
    const facts: SessionFacts = { ...factsOfTest(ingress), address, auth: listener };
    const given = Buffer.from(`\0${name}\0${password}`).toString('base64');
    const step = auth.perform(`PLAIN ${given}`, ready, facts);
    // An answer to a failure waits for the clock.
    for (let turn = 0; turn < 5; turn++) await ingress.clock.advance(8_000);
    return (await step).reply.code;
  };
}

test('a name is one, however it is written: it is barred for all ways to write it (RFC 4013)', async () => {
  const attempt = trying();
  const codes: number[] = [];
  for (const [n, name] of ['ann', 'a\u00adnn', '\u200bann', 'an\uff4e', 'ann'].entries())
    codes.push(await attempt(`192.0.2.${n}`, name, n < 3 ? 'wrong' : 'right'));
  expect(codes).toEqual([535, 535, 535, 454, 454]);
});

test('of many attempts at once no more succeed than one after the other', async () => {
  const attempt = trying();
  const names = ['a', 'b', 'c', 'd', 'e'];
  const codes = await Promise.all(
    names.map((name) => attempt('192.0.2.1', name, name === 'e' ? 'right' : 'wrong')),
  );
  expect(codes).toEqual([535, 535, 535, 454, 454]);
});

test('a password of his own does not let somebody try those of others for ever', async () => {
  const attempt = trying();
  const codes: number[] = [];
  for (const name of ['a', 'b', 'me', 'c', 'me'])
    codes.push(await attempt('192.0.2.1', name, name === 'me' ? 'right' : 'wrong'));
  expect(codes).toEqual([535, 535, 235, 535, 454]);
});
