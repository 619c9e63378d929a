import { expect, test } from 'vitest';
import { createUserKey } from './user-key.js';

test("a seed and its user's public key, new each time", () => {
  const key = createUserKey();
  expect(key.seed).toMatch(/^SU[A-Z2-7]{56}$/);
  expect(key.publicKey).toMatch(/^U[A-Z2-7]{55}$/);
  expect(createUserKey().seed).not.toBe(key.seed);
});
