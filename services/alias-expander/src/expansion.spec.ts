import fc from 'fast-check';
import { membersOfPage, type ResolveAnswer } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { ListPages, resolve } from './expansion.js';

const entries = new Map<string, readonly string[]>([
  ['all', ['ann', 'staff', 'far@away.example']],
  ['staff', ['bob', 'ann']],
  ['fred', ['fred', 'backup@example.org']],
  ['round', ['about']],
  ['about', ['round']],
  ['exact@here.example', ['bob']],
  ['big', Array.from({ length: 1001 }, (_, n) => `user${n}@away.example`)],
]);
const users = {
  isLocalDomain: (domain: string) => domain === 'here.example',
  exists: (localPart: string) => ['ann', 'bob', 'fred'].includes(localPart),
};

test.each<[string, ResolveAnswer]>([
  ['ann@here.example', { result: 'local' }],
  ['Ann@HERE.example', { result: 'local' }],
  ['postmaster@here.example', { result: 'local' }],
  ['nobody@here.example', { result: 'unknown' }],
  [
    'all@here.example',
    { result: 'expanded', members: ['ann@here.example', 'bob@here.example', 'far@away.example'] },
  ],
  ['fred@here.example', { result: 'expanded', members: ['fred@here.example', 'backup@example.org'] }],
  ['exact@here.example', { result: 'expanded', members: ['bob@here.example'] }],
  [
    'round@here.example',
    { result: 'loop', path: ['round@here.example', 'about@here.example', 'round@here.example'] },
  ],
  ['big@here.example', { result: 'list' }],
])('%s', (address, answer) => {
  expect(resolve(address, { entries }, users)).toEqual(answer);
});

test('the pages of a list have each member once, whatever changes meanwhile', () => {
  fc.assert(
    fc.property(fc.nat(1600), fc.array(fc.nat(1600), { maxLength: 400 }), (count, gone) => {
      const named = (n: number): string => `User${n}@away.example`;
      const members = Array.from({ length: count + 1 }, (_, n) => named(n));
      const changed = [...members.filter((_, n) => !gone.includes(n)), 'new@away.example'];
      const pages = new ListPages();
      const got: string[] = [];
      let after: string | undefined;
      let table = { entries: new Map([['big', members]]) };
      do {
        const request = { forwardPath: 'big@here.example', ...(after === undefined ? {} : { after }) };
        const page = pages.page(request, table, users);
        if (page.result !== 'page') throw new Error(page.result);
        expect(page.members.length).toBeLessThanOrEqual(membersOfPage);
        got.push(...page.members);
        after = page.next;
        table = { entries: new Map([['big', changed]]) };
      } while (after !== undefined);
      expect(new Set(got).size).toBe(got.length);
      const left = members.filter((_, n) => !gone.includes(n));
      expect(left.filter((member) => !got.includes(member))).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test('no such list', () => {
  const page = (forwardPath: string) => new ListPages().page({ forwardPath }, { entries }, users);
  expect(page('nobody@here.example')).toEqual({ result: 'unknown' });
  expect(page('round@here.example')).toEqual({ result: 'unknown' });
});
