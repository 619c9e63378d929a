import { sep } from 'node:path';
import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { folderOf } from './local-part.js';

test.each([
  ['you@localhost', 'you'],
  ['You@localhost', 'you'],
  ['a.b+c_d=e~f^g-h@localhost', 'a.b+c_d=e~f^g-h'],
  ['a..b@localhost', 'a..b'],
  ['-rf@localhost', '-rf'],
  ['postmaster', 'postmaster'],
  [`${'x'.repeat(64)}@localhost`, 'x'.repeat(64)],
])('%j delivers into %j', (forwardPath, folder) => {
  expect(folderOf(forwardPath)).toBe(folder);
});

test.each([
  '@localhost',
  '.@localhost',
  '..@localhost',
  '.hidden@localhost',
  '../you@localhost',
  'a/b@localhost',
  '/etc/passwd@localhost',
  '"a/b"@localhost',
  '"a b"@localhost',
  'a\\b@localhost',
  'a\0b@localhost',
  'a\nb@localhost',
  'a:b@localhost',
  'a@b@localhost',
  'ü/@localhost',
  `${'x'.repeat(65)}@localhost`,
])('%j is nobody’s folder', (forwardPath) => {
  expect(folderOf(forwardPath)).toBeUndefined();
});

it('never leads out of the folder', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (localPart) => {
      const folder = folderOf(`${localPart}@localhost`);
      if (folder === undefined) return;
      expect(folder).not.toContain(sep);
      expect(folder).not.toMatch(/^\.|[\0/\\:\s]/);
    }),
    { numRuns: 2000 },
  );
});
