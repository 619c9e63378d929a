import { domainlessPostmaster, parseMailbox } from '@postrider/smtp';
import type { ResolveAnswer } from '@postrider/protocol';
import { configSchema } from '@postrider/runtime';
import { expect, test } from 'vitest';
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
  ['configured here', { postmaster: 'admin@ours.test' }, domainlessPostmaster, 'refused'],
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
