import { domainlessPostmaster, parseMailbox } from '@postrider/smtp';
import type { ResolveAnswer } from '@postrider/protocol';
import { configSchema } from '@postrider/runtime';
import { describe, expect, test } from 'vitest';
import { settingsOf } from '../settings.js';
import { judgeRecipient } from './recipients.js';

const unknown: ResolveAnswer = { result: 'unknown' };
const context = (config: object, answer: ResolveAnswer = unknown) => ({
  settings: settingsOf(
    configSchema.parse({ hostname: 'mx.test', local: { domains: ['ours.test'] }, ...config }),
  ),
  resolve: () => Promise.resolve(answer),
});

test.each([
  ['<postmaster>, alone', {}, domainlessPostmaster, 'postmaster@ours.test'],
  ['in our domain', {}, parseMailbox('PostMaster@ours.test')!, 'PostMaster@ours.test'],
  [
    'configured here, unknown',
    { postmaster: 'admin@ours.test' },
    domainlessPostmaster,
    'postmaster@ours.test',
  ],
  [
    'postmaster elsewhere',
    { postmaster: 'postmaster@away.test' },
    parseMailbox('postmaster@ours.test')!,
    'postmaster@away.test',
  ],
  ['configured elsewhere', { postmaster: 'admin@away.test' }, domainlessPostmaster, 'admin@away.test'],
  [
    'in our domain, configured elsewhere',
    { postmaster: 'admin@away.test' },
    parseMailbox('postmaster@ours.test')!,
    'admin@away.test',
  ],
  ['no local domains', { local: { domains: [] } }, domainlessPostmaster, 'postmaster@mx.test'],
  ['anybody else', {}, parseMailbox('webmaster@ours.test')!, 'refused'],
] as const)('postmaster who is in no table, %s', async (_, config, forwardPath, expected) => {
  const verdict = await judgeRecipient(forwardPath, false, context(config));
  expect('accepted' in verdict ? verdict.accepted.recipients[0]?.forwardPath : 'refused').toBe(expected);
});

test('what relay control alone decides is told at once', () => {
  const verdict = judgeRecipient(parseMailbox('a@away.test')!, true, context({}));
  expect(verdict).toEqual({
    accepted: { given: 'a@away.test', recipients: [{ forwardPath: 'a@away.test' }] },
  });
});

describe('postmaster is taken and leads somewhere (RFC 5321 §4.5.1)', () => {
  const config = { postmaster: 'admin@ours.test', local: { domains: ['ours.test', 'also.test'] } };
  const given = [domainlessPostmaster, parseMailbox('POSTMASTER@also.test')!] as const;
  const many = Array.from({ length: 1001 }, (_, n) => `user${n}@ours.test`);

  test.each<[string, Readonly<Record<string, ResolveAnswer>>, string[]]>([
    [
      'alias',
      { postmaster: { result: 'expanded', members: ['ann@ours.test', 'b@away.test'] } },
      ['ann@ours.test', 'b@away.test'],
    ],
    [
      'alias, and an alias of the configured',
      {
        postmaster: { result: 'expanded', members: ['ann@ours.test'] },
        admin: { result: 'expanded', members: ['bob@ours.test'] },
      },
      ['ann@ours.test'],
    ],
    ['configured user', { postmaster: { result: 'local' }, admin: { result: 'local' } }, ['admin@ours.test']],
    [
      'alias of the configured',
      { admin: { result: 'expanded', members: ['bob@ours.test'] } },
      ['bob@ours.test'],
    ],
    [
      'alias that leads to itself',
      { postmaster: { result: 'loop', path: [] }, admin: { result: 'local' } },
      ['admin@ours.test'],
    ],
    [
      'alias without members',
      { postmaster: { result: 'expanded', members: [] }, admin: { result: 'local' } },
      ['admin@ours.test'],
    ],
    [
      'alias with too many',
      { postmaster: { result: 'expanded', members: many }, admin: { result: 'local' } },
      ['admin@ours.test'],
    ],
    [
      'alias that is nested too deep',
      { postmaster: { result: 'temporary', text: '' }, admin: { result: 'local' } },
      ['admin@ours.test'],
    ],
  ])('%s', async (_, answers, expected) => {
    const resolve = (address: string) =>
      Promise.resolve(answers[address.toLowerCase().replace(/@.*/, '')] ?? unknown);
    for (const forwardPath of given) {
      const verdict = await judgeRecipient(forwardPath, false, { ...context(config), resolve });
      const recipients = 'accepted' in verdict ? verdict.accepted.recipients : [];
      expect(recipients.map((recipient) => recipient.forwardPath)).toEqual(expected);
    }
  });

  test('only one who can not be asked is a reason to wait', async () => {
    const resolve = () => Promise.reject(new Error('nobody answers'));
    const verdict = await judgeRecipient(domainlessPostmaster, false, { ...context(config), resolve });
    expect(verdict).toMatchObject({ refused: { code: 451 } });
  });
});
