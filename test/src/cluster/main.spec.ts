/** `npm run test:cluster` as a command: its help, its refusals, and that nothing is left of it when it is interrupted. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ChildUnderTest, waitFor } from '@postrider/testing';
import { afterEach, expect, test } from 'vitest';
import { processTree } from '../process-figures.js';

const program = fileURLToPath(new URL('../../dist/cluster/main.js', import.meta.url));

let child: ChildUnderTest | undefined;
afterEach(async () => child?.kill());

const run = async (...words: readonly string[]): Promise<ChildUnderTest> => {
  child = new ChildUnderTest({ command: process.execPath, args: [program, ...words] });
  await child.start();
  return child;
};

test('--help tells the usage', async () => {
  const asked = await run('--help');
  expect((await asked.ended()).code).toBe(0);
  expect(asked.output).toMatch(/^usage: npm run test:cluster -- /);
});

test.each(['--frobnicate', '--only unheard-of', '--minutes x'])('%s: exit 2', async (words) => {
  const asked = await run(...words.split(' '));
  expect((await asked.ended()).code).toBe(2);
  expect(asked.output).toMatch(/^test:cluster: .*\nusage: /);
});

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Namespaces and interfaces of this process: network.ts. */
const networkOf = (pid: number): readonly string[] => {
  const listed = (folder: string): readonly string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  const name = `pr${pid.toString(36)}-`;
  return [...listed('/run/netns'), ...listed('/sys/class/net')].filter((entry) => entry.startsWith(name));
};

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('after %s nothing is left of it', async (signal, code) => {
  const asked = await run('--minutes', '5');
  const pid = asked.pid ?? 0;
  const begun = (): boolean => {
    const names = processTree(pid).map(({ name }) => name);
    return names.some((name) => name.includes('queue-manager'));
  };
  await waitFor(begun, 60_000, () => `its first queue-manager; it printed:\n${asked.output}`);
  if (process.getuid?.() === 0) expect(networkOf(pid)).not.toEqual([]);
  const pids = processTree(pid).map(({ pid: each }) => each);
  expect(pids.length).toBeGreaterThan(4);
  expect((await asked.stop(30_000, signal)).code).toBe(code);
  expect(pids.filter(alive)).toEqual([]);
  expect(networkOf(pid)).toEqual([]);
});
