import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidingRule, parseAccessRule, type AccessFacts, type AccessRule } from './access.js';

const facts: AccessFacts = {
  client: '192.0.2.7',
  helo: 'mail.example.org',
  listener: 'mx',
  tls: false,
  from: 'Ann@B.example',
  to: 'bob@ours.test',
};

function rule(text: string): AccessRule {
  const parsed = parseAccessRule(text);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed;
}

describe('conditions', () => {
  test.each<[string, Partial<AccessFacts>, boolean]>([
    ['', {}, true],
    ['client=192.0.2.0/24', {}, true],
    ['client=198.51.100.0/24,192.0.2.7', {}, true],
    ['client=198.51.100.0/24', {}, false],
    ['client=2001:db8::/32', { client: '2001:db8:1::1' }, true],
    ['name=mail.example.org', {}, false],
    ['name=-', {}, true],
    ['name=-', { name: 'mail.example.org' }, false],
    ['name=Mail.example.org', { name: 'mail.example.org' }, true],
    ['name=.example.org', { name: 'mail.example.org' }, true],
    ['name=example.org', { name: 'mail.example.org' }, false],
    ['helo=mail.example.org', {}, true],
    ['helo=.example.org', {}, true],
    ['helo=example.org', {}, false],
    ['listener=mx', {}, true],
    ['listener=other', {}, false],
    ['tls=yes', {}, false],
    ['tls=no', {}, true],
    ['from=ann@b.example', {}, true],
    ['from=@b.example', {}, true],
    ['from=@.example', {}, true],
    ['from=@example', {}, false],
    ['from=<>', {}, false],
    ['from=<>', { from: '' }, true],
    ['from=@b.example', { from: '' }, false],
    ['to=bob@ours.test', {}, true],
    ['to=@.ours.test', {}, false],
    ['identity=-', {}, true],
    ['identity=*', { identity: 'x' }, true],
    ['identity=x', { identity: 'y' }, false],
    ['from=@b.example to=@else.test', {}, false],
  ])('%s with %j: %s', (conditions, others, expected) => {
    expect(rule(`${conditions} accept`).fits({ ...facts, ...others })).toBe(expected);
  });
});

describe('actions', () => {
  test.each([
    ['listener=inside relay', { act: 'relay', clients: true }],
    ['to=@b.example from=@c.example relay', { act: 'relay', clients: false }],
    ['to=@b.example client=192.0.2.1 relay', { act: 'relay', clients: true }],
    ['discard', { act: 'discard' }],
    ['hold', { act: 'hold', reason: 'by an access rule' }],
    ['hold Looks odd', { act: 'hold', reason: 'Looks odd' }],
    ['header X-Rule: yes, no', { act: 'header', field: 'X-Rule: yes, no' }],
    ['redirect new@ours.test', { act: 'redirect', to: 'new@ours.test' }],
    ['reject', { act: 'refuse', code: 550, status: '5.7.1', text: 'Not taken here' }],
    ['reject Go away', { act: 'refuse', code: 550, status: '5.7.1', text: 'Go away' }],
    ['reject 554 5.7.2 No lists', { act: 'refuse', code: 554, status: '5.7.2', text: 'No lists' }],
    ['defer', { act: 'refuse', code: 451, status: '4.7.1', text: 'Not taken now, try again later' }],
    ['defer 450 4.2.0 Later', { act: 'refuse', code: 450, status: '4.2.0', text: 'Later' }],
  ])('%s', (text, action) => {
    expect(rule(text).action).toEqual(action);
  });
});

test.each([
  ['', "'' is no action"],
  ['client=192.0.2.0/33 reject', "'192.0.2.0/33' is no value for client="],
  ['clients=192.0.2.0 reject', "unknown condition 'clients'"],
  ['constructor=x reject', "unknown condition 'constructor'"],
  ['from=ann reject', "'ann' is no value for from="],
  ['tls=maybe reject', "'maybe' is no value for tls="],
  ['bounce', "'bounce' is no action"],
  ['relay please', 'nothing may follow relay'],
  ['relay', 'this would relay mail for all the world'],
  ['from=@ours.example helo=mx.ours.example tls=yes relay', 'this would relay mail for all the world'],
  ['client=0.0.0.0/0 relay', 'this would relay mail for all the world'],
  ['client=192.0.2.0/24,::/0 relay', 'this would relay mail for all the world'],
  ['name=- relay', 'this would relay mail for all the world'],
  ['identity=-,ann relay', 'this would relay mail for all the world'],
  ['reject from=@b.example', 'from= stands behind reject: conditions come first, as in from=… reject'],
  ['defer later, client=192.0.2.1', 'client= stands behind defer'],
  ['relay to=a@b.example', 'to= stands behind relay'],
  ['header X-Rule', 'after header a field must follow'],
  ['header X Rule: yes', 'after header a field must follow'],
  ['name=.. reject', 'is no value for name='],
  ['redirect nobody', 'after redirect an address must follow'],
  ['reject 450 4.2.0 x', 'begin with 5'],
  ['reject 550 4.2.0 x', 'begin with 5'],
  ['reject gr\u00fcezi', 'US-ASCII'],
])('%j: %s', (text, problem) => {
  expect(parseAccessRule(text)).toMatchObject({ error: expect.stringContaining(problem) as string });
});

test('the first rule that fits decides', () => {
  const rules = ['from=@else.test reject', 'client=192.0.2.7 accept', 'reject'].map(rule);
  expect(decidingRule(rules, facts)?.text).toBe('client=192.0.2.7 accept');
  expect(decidingRule(rules, { ...facts, client: '::1' })?.text).toBe('reject');
  expect(decidingRule<AccessRule>([], facts)).toBeUndefined();
});

test('any line is a rule or says what is wrong', () => {
  const part = fc.oneof(
    fc.constantFrom('client=', 'from=', '@x', ' ', 'reject', 'redirect', '550 5.1.1'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const parsed = parseAccessRule(parts.join(''));
      if ('error' in parsed) expect(parsed.error).not.toBe('');
      else parsed.fits(facts);
    }),
  );
});
