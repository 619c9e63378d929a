import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AliasFileError, parseAliasFile } from './alias-file.js';

test('names, continued lines, comments, quoted names', () => {
  const text = '# ours\nAll: ann, bob@example.org\n  , carl\n\n"two words": ann\nwhole@example.org: bob\n';
  expect(parseAliasFile(text, 'aliases')).toEqual([
    { name: 'all', members: ['ann', 'bob@example.org', 'carl'] },
    { name: '"two words"', members: ['ann'] },
    { name: 'whole@example.org', members: ['bob'] },
  ]);
});

test.each([
  ['all ann\n', 'aliases:1: needs'],
  ['# x\nall:\n', 'aliases:2: names nobody'],
  ['all: |/bin/cat\n', 'aliases:1: delivery to a program'],
  ['all: /dev/null\n', 'aliases:1: delivery to a file'],
  ['all: :include:/list\n', 'aliases:1: '],
  ['all: not an address\n', "aliases:1: 'not an address'"],
  ['a: b\na: c\n', "aliases:2: 'a' stands in line 1 already"],
])('%j: %s', (text, problem) => {
  expect(() => parseAliasFile(text, 'aliases')).toThrow(problem);
});

test('whatever stands in a file gives aliases or an AliasFileError', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', ':', ',', '"', '\\', '\n', ' ', '@', '.', '#', '|', 'é'), {
        maxLength: 60,
      }),
      (parts) => {
        try {
          for (const { members } of parseAliasFile(parts.join(''), 'aliases'))
            expect(members.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(AliasFileError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
