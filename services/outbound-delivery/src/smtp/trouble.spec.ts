import { describe, expect, test } from 'vitest';
import { stages, type Stage } from './stages.js';
import {
  brokenOff,
  diagnosticOf,
  faultText,
  greetingRefused,
  isUnderstood,
  siteFailed,
  unreachable,
} from './trouble.js';

const reply = (code: number, text = '') => ({ code, lines: [text] });
const never = greetingRefused(reply(554, '5.7.1 no mail here'), 'a.test');
const busy = greetingRefused(reply(421, '4.3.2 busy'), 'b.test');
const policy = greetingRefused(reply(550, '5.7.1 not you'), 'c.test');
const away = unreachable({ status: '4.4.1', text: 'connect to d.test: refused' });

describe('a site that takes no mail', () => {
  test.each([
    ['all say never', [never, never], true, 'site-permanent', '5.7.1'],
    ['one is only busy', [never, busy], true, 'site-temporary', '4.3.2'],
    ['one can not be reached', [never, away], true, 'site-temporary', '4.4.1'],
    ['some were not tried', [never], false, 'site-temporary', '4.7.1'],
    ['one does not want us', [policy], true, 'site-temporary', '4.7.1'],
    ['none has an address', [], true, 'site-temporary', '4.4.4'],
  ] as const)('%s', (...[, refusals, allTried, reason, status]) => {
    expect(siteFailed(refusals, allTried)).toMatchObject({ reason, diagnostic: { status } });
  });
});

test.each<[Stage, number, boolean]>([
  ['mail', 250, true],
  ['mail', 354, false],
  ['rcpt', 251, true],
  ['data', 354, true],
  ['data', 250, false],
  ['data', 451, true],
  ['block', 250, false],
  ['block', 354, false],
  ['block', 552, true],
  ['content', 250, true],
  ['content', 354, false],
])('at %s %d is understood: %j', (stage, code, understood) => {
  expect(isUnderstood(stage, reply(code))).toBe(understood);
});

test.each([
  [reply(250, '2.1.5 fine'), '2.1.5', '250 2.1.5 fine'],
  [reply(451, 'later'), '4.0.0', '451 later'],
  [reply(550), '5.0.0', '550'],
  [reply(550, '4.2.1 of another class'), '5.0.0', '550 4.2.1 of another class'],
])('%j', (given, status, text) => {
  expect(diagnosticOf(given, 'mx.test')).toEqual({ status, text, remoteMta: 'mx.test' });
});

test.each([
  [
    Object.assign(new Error('connect ECONNREFUSED 192.0.2.1:25'), { errno: -111 }),
    'connection refused (ECONNREFUSED)',
  ],
  [new Error('the proxy refuses'), 'the proxy refuses'],
  ['no error at all', 'no error at all'],
])('%s in words', (error, text) => expect(faultText(error)).toBe(text));

test.each<[Stage, string]>([
  ['connect', '4.4.1 connect to mx.test [192.0.2.1]: no'],
  ['greeting', '4.4.2 mx.test [192.0.2.1]: no while waiting for the greeting'],
  ['content', '4.4.2 mx.test [192.0.2.1]: no while waiting for the reply to the content'],
])('broken off at %s', (stage, text) => {
  const diagnostic = brokenOff(stage, 'mx.test [192.0.2.1]', 'no');
  expect(`${diagnostic.status} ${diagnostic.text}`).toBe(text);
});

/** RFC 5321 §4.5.3.2, minutes. */
test.each([
  ['greeting', 5],
  ['mail', 5],
  ['rcpt', 5],
  ['data', 2],
  ['block', 3],
  ['content', 10],
] as const)('%s is waited for %d minutes', (stage, minutes) => {
  expect(stages[stage].limit).toBeGreaterThanOrEqual(minutes * 60_000);
});
