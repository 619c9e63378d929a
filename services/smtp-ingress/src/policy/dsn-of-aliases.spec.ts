import { expect, test } from 'vitest';
import { withDsn } from './dsn-of-aliases.js';

const one = { given: 'a@b.test', recipients: [{ forwardPath: 'a@b.test' }] };
const alias = { given: 'all@b.test', recipients: [{ forwardPath: 'x@c.test', original: 'all@b.test' }] };
const list = {
  given: 'all@b.test',
  recipients: [
    { forwardPath: 'x@c.test', original: 'all@b.test' },
    { forwardPath: 'y@c.test', original: 'all@b.test' },
  ],
};
const orcpt = 'rfc822;All@b.test';

test('without parameters nothing is added', () => {
  expect(withDsn(list, {}, true)).toBe(list);
});

test.each([one, alias])('one address gets all of it (RFC 3461 §5.2.7.2): %j', (accepted) => {
  const [recipient] = accepted.recipients;
  expect(withDsn(accepted, { notify: ['SUCCESS'], orcpt }, true).recipients).toEqual([
    { ...recipient, notify: ['SUCCESS'], orcpt },
  ]);
});

test.each([
  [['SUCCESS'], ['NEVER']],
  [['SUCCESS', 'FAILURE'], ['FAILURE']],
] as const)('of several, %j: success of the alias, %j of its members (RFC 3461 §5.2.7.3)', (notify, rest) => {
  const [x, y] = list.recipients;
  const members = [
    { ...x, notify: rest, orcpt },
    { ...y, notify: rest, orcpt },
  ];
  const itself = { forwardPath: 'all@b.test', notify: ['SUCCESS'], orcpt, expanded: true };
  expect(withDsn(list, { notify, orcpt }, true).recipients).toEqual([...members, itself]);
  expect(withDsn(list, { notify, orcpt }, false).recipients).toEqual(members);
});

test('no alias is reported of whom success was not asked for', () => {
  expect(withDsn(list, { notify: ['NEVER'] }, true).recipients).toEqual(
    list.recipients.map((recipient) => ({ ...recipient, notify: ['NEVER'] })),
  );
});
