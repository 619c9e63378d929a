/**
 * Sessions by seed at an smtp-ingress in a process of its own, many at once. It must not crash, hang or hold on to
 * anything, its replies must be replies, and what is mail data must never be taken for a command.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeUser, writeUsers } from '@postrider/auth';
import {
  startIngressProcess,
  type IngressFigures,
  type IngressProcess,
} from '../conformance/running-ingress-process.js';
import { play } from './client.js';
import { listeners, planOf, user, type Plan } from './plan.js';

export interface FuzzOptions {
  readonly seed: number;
  /** The first session's number. */
  readonly from?: number;
  /** How many; absent: as long as `goesOn`. */
  readonly sessions?: number;
  /** Asked before each group of sessions. */
  readonly goesOn?: () => boolean;
  readonly say?: (text: string) => void;
}

export interface FuzzReport {
  readonly sessions: number;
  readonly mails: number;
  /** What was wrong, and how to see it again; none when all is well. */
  readonly problems: readonly string[];
  /** By JavaScript, octets: after the first sessions, and at the end. */
  readonly usedAtFirst: number;
  readonly usedAtLast: number;
}

/** Sessions at once; after each group everything must be as before. */
const group = 100;
/** Groups until caches and code are as they will be. */
const warmUp = 8;
const growthInOctets = 6 * 1024 * 1024;

const sessionSeed = (seed: number, n: number): number => (Math.imul(seed, 0x9e3779b1) + n) >>> 0;
export const sessionOf = (seed: number, n: number): Plan => planOf(sessionSeed(seed, n));

export async function fuzz({
  seed,
  from = 0,
  goesOn = () => true,
  ...options
}: FuzzOptions): Promise<FuzzReport> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-fuzz-'));
  writeUsers(join(folder, 'users'), [await makeUser(user.name, user.password, [])]);
  const ingress = await startIngressProcess(configOf(folder));
  const { sessions: most = Infinity, say = () => undefined } = options;
  const problems: string[] = [];
  let sessions = 0;
  let first: IngressFigures | undefined;
  let last: IngressFigures | undefined;
  try {
    while (problems.length === 0 && sessions < most && goesOn()) {
      const length = Math.min(group, most - sessions);
      const numbers = Array.from({ length }, (_, n) => from + sessions + n);
      problems.push(...(await runGroup(ingress, seed, numbers)));
      last = await cleared(ingress, problems, `--from ${from + sessions} --sessions ${length}`);
      sessions += length;
      if (sessions === warmUp * group) first = last;
      if (sessions % (warmUp * group) === 0)
        say(`${sessions} sessions, ${last.mails} mails, ${(last.usedInOctets / 1024 / 1024).toFixed(1)} MiB`);
      if (first && last.usedInOctets - first.usedInOctets > growthInOctets)
        problems.push(`memory grew from ${first.usedInOctets} to ${last.usedInOctets} octets`);
    }
  } catch (fault) {
    problems.push(`${String(fault)}; --from ${from + sessions} --sessions ${group}`);
  } finally {
    await ingress.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const used = (figures?: IngressFigures): number => figures?.usedInOctets ?? 0;
  return {
    sessions,
    mails: last?.mails ?? 0,
    problems,
    usedAtFirst: used(first),
    usedAtLast: used(last),
  };
}

async function runGroup(
  ingress: IngressProcess,
  seed: number,
  numbers: readonly number[],
): Promise<readonly string[]> {
  const found = await Promise.all(
    numbers.map(async (n) => {
      const plan = sessionOf(seed, n);
      const problem = await play(plan, ingress.ports[listeners.indexOf(plan.listener)] ?? 0);
      return problem === undefined ? [] : [`${problem}; --from ${n} --sessions 1`];
    }),
  );
  return found.flat();
}

/** All of the group is over: nothing of it may be left. */
async function cleared(ingress: IngressProcess, problems: string[], again: string): Promise<IngressFigures> {
  const until = performance.now() + 30_000;
  let figures = await ingress.figures();
  while (isBusy(figures) && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    figures = await ingress.figures();
  }
  const { sessions, contentHeldInOctets, largeContents, forbidden, faults } = figures;
  if (isBusy(figures))
    problems.push(
      `left over: ${sessions} sessions, ${contentHeldInOctets} octets, ${largeContents} large contents; ${again}`,
    );
  if (forbidden > 0) problems.push(`${forbidden} smuggled mails; ${again}`);
  for (const fault of faults) problems.push(`fault: ${fault}; ${again}`);
  return figures;
}

const isBusy = ({ sessions, contentHeldInOctets, largeContents }: IngressFigures): boolean =>
  sessions > 0 || contentHeldInOctets > 0 || largeContents > 0;

/** All is offered, and limits are near. */
const configOf = (folder: string): Readonly<Record<string, unknown>> => ({
  data_dir: folder,
  local: { domains: ['localhost', 'ours.test'] },
  relay: { networks: ['127.0.0.0/8'] },
  limits: { message_size: '300KiB', recipients: 100 },
  privacy: { vrfy: 'all', expn: 'all', etrn: 'all' },
  listeners: {
    mx: {
      role: 'mx',
      listen: ['127.0.0.1:0'],
      auth: { mode: 'offered', without_tls: true },
      xclient_from: ['127.0.0.0/28'],
    },
    submission: { role: 'submission', listen: ['127.0.0.1:0'] },
    submissions: { role: 'submissions', listen: ['127.0.0.1:0'] },
    lmtp: { role: 'lmtp', listen: ['127.0.0.1:0'] },
  },
});
