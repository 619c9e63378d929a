import type { Identity } from '@postrider/auth';
import { parseMailArguments } from '@postrider/smtp';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { extensions, mailParameters } from './extensions.js';
import { roles, type RoleName } from './roles.js';
import { loweredPriority } from './scheduling-parameters.js';
import { factsOfTest, ingressOfTest } from './spec/ingress-of-test.js';

const ingress = ingressOfTest({
  limits: { future_release: '1h' },
  priority: { networks: ['192.0.2.0/24'] },
});
const now = ingress.clock.now();
const ann: Identity = { name: 'ann', senders: [] };

interface Who {
  readonly role?: RoleName;
  readonly address?: string;
  readonly identity?: Identity;
}
const factsOf = ({ role = 'submission', ...who }: Who = {}) => ({
  ...factsOfTest(ingress),
  role: roles[role],
  ...who,
});

function scheduled(parameters: string, who: Who = {}): unknown {
  const parsed = parseMailArguments(`FROM:<a@b.test> ${parameters}`);
  if (!parsed.ok) return parsed.problem;
  const client = { helo: 'c.test', protocol: 'ESMTP' } as const;
  const found = mailParameters(parsed.value.parameters, client, factsOf(who));
  if ('refused' in found) return `${found.refused.code} ${found.refused.enhanced}`;
  const lowered = loweredPriority(parsed.value.parameters, found);
  return lowered ? [found.scheduling, lowered.lines[0]] : found.scheduling;
}

const at = (seconds: number): number => now + seconds * 1_000;
const until = (seconds: number): string => new Date(at(seconds)).toISOString();
const bad = '501 5.5.4';

test.each<[string, unknown]>([
  ['HOLDFOR=60', { release: { at: at(60), asked: 'for;60' } }],
  ['HOLDFOR=3600', { release: { at: at(3600), asked: 'for;3600' } }],
  ['HOLDFOR=3601', bad],
  ['HOLDFOR=0', bad],
  ['HOLDFOR=+5', bad],
  ['HOLDFOR', bad],
  [`HOLDUNTIL=${until(60)}`, { release: { at: at(60), asked: `until;${until(60)}` } }],
  [`HOLDUNTIL=${until(3601)}`, bad],
  ['HOLDUNTIL=1969-01-01T00:00:00Z', { release: { at: -31536000000, asked: 'until;1969-01-01T00:00:00Z' } }],
  ['HOLDUNTIL=1970-13-01T00:00:00Z', bad],
  ['HOLDUNTIL=1970-01-01', bad],
  [`HOLDFOR=60 HOLDUNTIL=${until(60)}`, bad],
  ['BY=120;R', { deliverBy: { at: at(120), mode: 'R', trace: false } }],
  ['BY=+120;rt', { deliverBy: { at: at(120), mode: 'R', trace: true } }],
  ['BY=-5;N', { deliverBy: { at: at(-5), mode: 'N', trace: false } }],
  ['BY=0;R', bad],
  ['BY=-1;R', bad],
  ['BY=1000000000;N', bad],
  ['BY=5', bad],
  ['BY=5;X', bad],
  ['BY', bad],
  ['HOLDFOR=60 BY=30;R', bad],
  ['BY=30;N HOLDFOR=60', bad],
  ['MT-PRIORITY=-9', { priority: -9 }],
  ['MT-PRIORITY=0', undefined],
  ['MT-PRIORITY=10', '501 5.5.2'],
  ['MT-PRIORITY=-0', '501 5.5.2'],
  ['MT-PRIORITY', '501 5.5.2'],
])('%s: %j', (parameters, expected) => {
  expect(scheduled(parameters)).toEqual(expected);
});

test('nobody raises a priority whom we do not know', () => {
  const lowered = [undefined, expect.stringMatching(/^2\.3\.6 0 |^0 /)];
  expect(scheduled('MT-PRIORITY=9')).toEqual(lowered);
  expect(scheduled('MT-PRIORITY=9', { identity: ann })).toEqual({ priority: 9 });
  expect(scheduled('MT-PRIORITY=9', { address: '192.0.2.7' })).toEqual({ priority: 9 });
  expect(scheduled('MT-PRIORITY=9', { address: '203.0.113.7' })).toEqual(lowered);
});

test('FUTURERELEASE is for who submits, and says how long', () => {
  expect(scheduled('HOLDFOR=60', { role: 'mx' })).toBe('555 5.5.4');
  const row = extensions.find(({ keyword }) => keyword === 'FUTURERELEASE');
  expect(row?.offered?.(factsOf({ role: 'mx' }))).toBe(false);
  expect(row?.offered?.(factsOf({ role: 'submissions' }))).toBe(true);
  expect(row?.shown?.(factsOf())).toBe(`3600 ${until(3600).replace('.000', '')}`);
});

test('no value breaks a parser, and a time is a number', () => {
  const value = fc.oneof(fc.string(), fc.stringMatching(/^[+-]?[0-9]{1,10};?[NRT]{0,3}$/));
  fc.assert(
    fc.property(fc.constantFrom('HOLDFOR', 'HOLDUNTIL', 'BY', 'MT-PRIORITY'), value, (keyword, text) => {
      const client = { helo: 'c.test', protocol: 'ESMTP' } as const;
      const found = mailParameters(new Map([[keyword, text]]), client, factsOf());
      if ('refused' in found) return;
      const { release, deliverBy, priority = 0 } = found.scheduling ?? {};
      expect(Number.isFinite(release?.at ?? deliverBy?.at ?? 0)).toBe(true);
      expect(Math.abs(priority)).toBeLessThan(10);
    }),
  );
});
