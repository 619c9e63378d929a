import { expect, test } from 'vitest';
import { Turnstile } from './turnstile.js';

test('no more than the limit are inside, in the order they came, also when one fails', async () => {
  const turnstile = new Turnstile(2);
  const log: string[] = [];
  const pass = (name: string, end: Promise<void>) =>
    turnstile.pass(() => {
      log.push(name);
      return end;
    });
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const first = pass('a', held);
  const failing = pass('b', Promise.reject(new Error('b failed')));
  const third = pass('c', held);
  const fourth = pass('d', held);
  expect(log).toEqual(['a', 'b']);
  await expect(failing).rejects.toThrow('b failed');
  expect(log).toEqual(['a', 'b', 'c']);
  release();
  await Promise.all([first, third, fourth]);
  expect(log).toEqual(['a', 'b', 'c', 'd']);
  await pass('e', Promise.resolve());
  expect(log).toHaveLength(5);
});
