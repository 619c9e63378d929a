import { expect, test } from 'vitest';
import type { Story } from './event-book.js';
import { judge, type History } from './model.js';

const accepted = (id: string) => ({ first: 0, begun: 0, done: 1, reply: `2.0.0 Ok: queued as ${id}` });
const told = (...ends: readonly string[]): Story => ({
  accepted: ['to@steady.test'],
  final: new Map(ends.length === 0 ? [] : [['to@steady.test', new Set(ends)]]),
});

interface Case {
  readonly name: string;
  readonly accepted?: Readonly<Record<string, string>>;
  readonly unknown?: readonly string[];
  readonly received?: Readonly<Record<string, number>>;
  readonly stories?: Readonly<Record<string, Story>>;
  readonly broken: readonly RegExp[];
  readonly untold?: number;
}

const one = { m1: 'id1' };
test.each<Case>([
  {
    name: 'told, came, final',
    accepted: one,
    received: { m1: 1 },
    stories: { id1: told('relayed') },
    broken: [],
  },
  { name: 'told and never came', accepted: one, broken: [/^m1 \(id1\) got 250 and never came/], untold: 1 },
  {
    name: 'final by its events and never came',
    accepted: one,
    stories: { id1: told('relayed') },
    broken: [/got 250/, /final by its events/],
  },
  {
    name: 'no event of its end',
    accepted: one,
    received: { m1: 1 },
    stories: { id1: told() },
    broken: [],
    untold: 1,
  },
  { name: 'unknown to the client: may come or not', unknown: ['m1', 'm2'], received: { m1: 1 }, broken: [] },
  { name: 'came from nowhere', received: { m9: 1 }, broken: [/^m9 came, though/] },
  {
    name: 'two ends of one recipient',
    accepted: one,
    received: { m1: 1 },
    stories: { id1: told('relayed', 'failed') },
    broken: [/ended more than one way: relayed, failed/],
  },
  {
    name: 'one id for two mails',
    accepted: { m1: 'id1', m2: 'id1' },
    received: { m1: 1, m2: 1 },
    stories: { id1: told('relayed') },
    broken: [/^m2 and m1 were both queued as id1/],
  },
])('$name', ({ accepted: ids = {}, unknown = [], received = {}, stories = {}, broken, untold = 0 }) => {
  const history: History = {
    loads: [
      {
        accepted: new Map(Object.entries(ids).map(([marker, id]) => [marker, accepted(id)])),
        refused: new Map(),
        unknown: new Set(unknown),
      },
    ],
    received: new Map(Object.entries(received)),
    stories: new Map(Object.entries(stories)),
  };
  const verdict = judge(history);
  expect(verdict.broken).toHaveLength(broken.length);
  broken.forEach((pattern, at) => expect(verdict.broken[at]).toMatch(pattern));
  expect(verdict.untold).toBe(untold);
});
