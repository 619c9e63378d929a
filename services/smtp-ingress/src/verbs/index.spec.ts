import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { extensions } from '../extensions.js';
import { factsOfTest, ingressOfTest } from '../spec/ingress-of-test.js';
import { endOfData, lmtpVerbs, smtpVerbs as verbs } from './index.js';
import { refusedVerbs } from './refused.js';

const ingress = ingressOfTest();
const facts = factsOfTest(ingress);
const greeting = { name: 'greeting' } as const;

test('HELP is printed from the table', async () => {
  const { reply } = await verbs.get('HELP')!.perform('', greeting, facts);
  expect(reply.lines.slice(1)).toEqual([...verbs.values()].map(({ syntax }) => syntax));
});

test('EHLO is printed from the tables, and follows its grammar (RFC 5321 §4.1.1.1)', async () => {
  const { reply } = await verbs.get('EHLO')!.perform('c.example', greeting, facts);
  const [first, ...lines] = reply.lines;
  expect(first).toBe('mx.example.org greets c.example');
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    ...extensions.filter(({ offered }) => offered?.(facts) !== false).map(({ keyword }) => keyword),
    'HELP',
  ]);
  for (const line of lines) expect(line).toMatch(/^[A-Z0-9][A-Z0-9-]*(?: [\x21-\x7e]+)*$/);
  expect(reply.enhanced).toBeUndefined();
});

test.each([
  [{}, ['HELP']],
  [{ help: 'nobody' }, []],
  [{ vrfy: 'all', expn: 'all', etrn: 'all' }, ['VRFY', 'EXPN', 'HELP', 'ETRN']],
  [{ vrfy: 'networks', expn: 'networks', help: 'authenticated' }, ['VRFY', 'EXPN']],
  [{ vrfy: 'authenticated', expn: 'authenticated' }, ['HELP']],
])('%j: EHLO shows what may be asked, and nothing else (RFC 5321 §3.5.2)', async (privacy, shown) => {
  const { reply } = await verbs
    .get('EHLO')!
    .perform('c.example', greeting, factsOfTest(ingressOfTest({ privacy })));
  expect(reply.lines.filter((line) => line !== 'STARTTLS' && verbs.has(line))).toEqual(shown);
});

test('what only ends a group is marked (RFC 2920 §3.1)', () => {
  const last = [...verbs.values()].filter(({ lastInGroup }) => lastInGroup).map(({ name }) => name);
  expect(last.sort()).toEqual([
    'AUTH',
    'DATA',
    'EHLO',
    'EXPN',
    'HELO',
    'NOOP',
    'QUIT',
    'STARTTLS',
    'TURN',
    'VRFY',
    'XCLIENT',
  ]);
});

test('LMTP has LHLO for a greeting, and else the same verbs', () => {
  const without = (table: typeof verbs) =>
    [...table.keys()].filter((name) => !['EHLO', 'HELO', 'LHLO'].includes(name));
  expect(without(lmtpVerbs)).toEqual(without(verbs));
  expect(verbs.has('LHLO')).toBe(false);
});

test('every verb names itself as the table does', () => {
  for (const [name, verb] of verbs) expect(verb.name).toBe(name);
  expect(verbs.has(endOfData.name)).toBe(false);
});

test('README.md lists the verbs that are offered, and the extensions', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, listed = '', announced = ''] =
    /\*\*Verbs\*\*: ([A-Z\s]+); others are known and refused\.\s([A-Z0-9,\s-]+)\./.exec(readme) ?? [];
  const refused = new Set(refusedVerbs.map(({ name }) => name));
  const known = new Set([...verbs.keys(), ...lmtpVerbs.keys()]);
  expect(listed.split(/\s+/).sort()).toEqual([...known].filter((name) => !refused.has(name)).sort());
  expect(announced.split(/,\s+/).sort()).toEqual(extensions.map(({ keyword }) => keyword).sort());
});
