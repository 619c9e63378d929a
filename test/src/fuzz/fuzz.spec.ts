/** A minute of the fuzz, of a seed that is always the same; hours of others by hand (main.ts). */
import { expect, test } from 'vitest';
import { fuzz } from './fuzz.js';
import { planOf } from './plan.js';

test('sessions at random: no crash, no hang, nothing smuggled, memory flat', async () => {
  const end = performance.now() + 45_000;
  const report = await fuzz({ seed: 1, sessions: 3000, goesOn: () => performance.now() < end });
  expect(report.problems).toEqual([]);
  expect(report.mails).toBeGreaterThan(20);
});

test('a seed is a plan', () => {
  for (let seed = 0; seed < 200; seed++) expect(planOf(seed)).toEqual(planOf(seed));
});

test('plans come to all that is spoken', () => {
  const said = Array.from({ length: 2000 }, (_, seed) => JSON.stringify(planOf(seed).steps)).join('');
  for (const word of ['BDAT', 'DATA', 'STARTTLS', 'AUTH SCRAM', 'handshake', 'XCLIENT', 'smuggled', 'reset'])
    expect(said).toContain(word);
});
