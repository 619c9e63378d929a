import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextMove, type Leadership } from './leaders.js';

const servers = ['n1', 'n2', 'n3'];
const led = (...leaders: readonly string[]): readonly Leadership[] =>
  leaders.map((leader, n) => ({
    stream: `SPOOL-${n}`,
    leader,
    followers: servers.filter((server) => server !== leader).map((server) => ({ server, current: true })),
  }));

test.each([
  ['one leads all', led('n1', 'n1', 'n1', 'n1'), { stream: 'SPOOL-0', to: 'n2' }],
  ['one leads none', led('n1', 'n1', 'n2', 'n2'), { stream: 'SPOOL-0', to: 'n3' }],
  ['as even as can be', led('n1', 'n2', 'n3', 'n1'), undefined],
  ['one stream', led('n1'), undefined],
  ['no stream', [], undefined],
])('%s', (_, streams, expected) => {
  expect(nextMove(streams)).toEqual(expected);
});

test('nothing is moved while a copy lags', () => {
  const streams = led('n1', 'n1', 'n1');
  const lagging = streams.map((one) => ({
    ...one,
    followers: one.followers.map(({ server }) => ({ server, current: server !== 'n3' })),
  }));
  expect(nextMove(lagging)).toBe('lags');
  expect(nextMove(lagging.slice(1, 2))).toBeUndefined();
});

test('however they are led, so many moves at most make it even, and then there is no other', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...servers), { minLength: 1, maxLength: 12 }), (leaders) => {
      const now = [...leaders];
      for (let moves = 0; ; moves++) {
        const move = nextMove(led(...now));
        if (move === undefined || move === 'lags') break;
        expect(moves).toBeLessThan(leaders.length);
        now[Number(move.stream.slice('SPOOL-'.length))] = move.to;
      }
      const counts = servers.map((server) => now.filter((leader) => leader === server).length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }),
  );
});
