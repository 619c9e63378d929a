import type { ResolveAnswer } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { resolve } from './expansion.js';

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
  ['big@here.example', { result: 'temporary', text: 'lists over 1000 members are not yet supported' }],
])('%s', (address, answer) => {
  expect(resolve(address, { entries }, users)).toEqual(answer);
});
