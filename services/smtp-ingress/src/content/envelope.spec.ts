import { describe, expect, test } from 'vitest';
import { envelopesOf } from './envelope.js';

const facts = {
  id: 'ID',
  reversePath: '',
  body: '7BIT' as const,
  sizeInOctets: 1,
  acceptedAt: 0,
  client: { address: '::1', helo: 'x', protocol: 'ESMTP' as const },
  listener: 'mx',
};
const plain = (text: string) => ({ given: text, recipients: [{ forwardPath: text }] });
const alias = (given: string, ...members: string[]) => ({
  given,
  recipients: members.map((forwardPath) => ({ forwardPath, original: given })),
});

test('one recipient, one envelope', () => {
  expect(envelopesOf(facts, [plain('a@b')])).toEqual([{ ...facts, recipients: [{ forwardPath: 'a@b' }] }]);
});

test('nobody twice: the first way in counts', () => {
  const [envelope] = envelopesOf(facts, [
    plain('a@b'),
    alias('l@b', 'a@b', 'c@b', 'c@b'),
    plain('c@b'),
    plain('A@b'),
  ]);
  expect(envelope?.recipients).toEqual([
    { forwardPath: 'a@b' },
    { forwardPath: 'c@b', original: 'l@b' },
    { forwardPath: 'A@b' },
  ]);
});

describe('a part holds 500 recipients or 64 KiB', () => {
  test.each([
    [500, 'a@b.test', 1],
    [501, 'a@b.test', 2],
    [1500, 'a@b.test', 3],
    [500, `a@${'x'.repeat(240)}`, 3],
  ])('%i of %s', (count, address, parts) => {
    const all = Array.from({ length: count }, (_, n) => plain(`${n}${address}`));
    const envelopes = envelopesOf(facts, all);
    expect(envelopes.map(({ id }) => id)).toEqual([
      'ID',
      ...Array.from({ length: parts - 1 }, (_, n) => `ID-${n + 1}`),
    ]);
    expect(envelopes.flatMap(({ recipients }) => recipients)).toEqual(
      all.flatMap(({ recipients }) => recipients),
    );
    for (const envelope of envelopes) {
      expect(envelope.recipients.length).toBeLessThanOrEqual(500);
      expect(JSON.stringify(envelope.recipients).length).toBeLessThanOrEqual(64 * 1024);
    }
  });
});
