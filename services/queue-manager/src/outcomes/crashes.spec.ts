/** The process dies between every two of its writes; the next one goes on. */
import { expect, test } from 'vitest';
import type { PageAnswer } from '@postrider/protocol';
import { fakeWorker, type TakenJob } from '../rig/fake-worker.js';
import { mortalSpool, type Death } from '../rig/mortal-log.js';
import { startRig, turns, type Rig, type RigOptions } from '../rig/rig.js';

const pageSize = 4;
const members = Array.from({ length: 10 }, (_, n) => `m${n}@b.test`);
const page = (after: string | undefined): PageAnswer => {
  const first = after === undefined ? 0 : members.indexOf(after) + 1;
  const given = members.slice(first, first + pageSize);
  const next = given.at(-1);
  const more = first + pageSize < members.length;
  return { result: 'page', members: given, ...(more && next !== undefined ? { next } : {}) };
};

const minute = 60_000;
const live = (rig: Rig): number => rig.queue.environment.owner.figures()['liveMails'] ?? -1;
const pathsOf = (jobs: readonly TakenJob[]): readonly string[] =>
  jobs.flatMap(({ envelope }) => envelope.recipients.map(({ forwardPath }) => forwardPath));

interface Crash {
  readonly died: boolean;
  readonly after: Rig;
  readonly taken: readonly TakenJob[];
}

interface Scene {
  readonly options: RigOptions;
  readonly act: (rig: Rig) => Promise<void>;
  /** What the next worker answers; the same as the first without it. */
  readonly afterwards?: Rig['worker']['answer'];
}

/** Lives until its n-th write, is followed by one that lives, and is done. */
async function crashAt(at: number, stored: boolean, { options, act, afterwards }: Scene): Promise<Crash> {
  const death: Death = { left: Infinity, stored, dead: false };
  const rig = await startRig({ ...options, spoolOf: mortalSpool(death) });
  // The takeover has ended by then.
  await rig.pass(1_000);
  death.left = at;
  await act(rig);
  const died = death.dead;
  death.left = Infinity;
  death.dead = false;
  // The worker dies too: what it had in hand may go twice, which is what the checks allow.
  await Promise.race([rig.worker.kill(), turns()]);
  const after = await rig.killed();
  const worker = await fakeWorker(after.bus, 'worker-2');
  worker.answer = afterwards ?? rig.worker.answer;
  await after.pass(3 * minute);
  return { died, after, taken: [...rig.worker.taken, ...worker.taken] };
}

/** Each write of a life in turn, stored or not, until there are no more to die at. @returns how many there were */
async function everyWrite(scene: Scene, check: (crash: Crash) => void): Promise<number> {
  for (let at = 1; ; at++) {
    const crashes = [await crashAt(at, false, scene), await crashAt(at, true, scene)];
    for (const crash of crashes) check(crash);
    if (!crashes.some(({ died }) => died)) return at - 1;
  }
}

test('of a list: no member is lost, and none is twice in the pages', async () => {
  const deaths = await everyWrite(
    {
      options: { page },
      act: async (rig) => {
        await rig.accept({ recipients: [{ forwardPath: 'all@here.test', list: {} }] });
        await rig.pass(4_000);
      },
    },
    ({ after, taken }) => {
      expect(live(after)).toBe(0);
      const jobs = taken;
      expect(new Set(pathsOf(jobs))).toEqual(new Set(members));
      // A page that was in flight may go twice; a member is in one page only.
      const pages = new Map(jobs.map((job) => [job.id, job]));
      expect(pathsOf([...pages.values()]).length).toBe(members.length);
      for (const id of pages.keys())
        expect(jobs.filter((job) => job.id === id).length).toBeLessThanOrEqual(2);
      for (const { envelope } of jobs)
        for (const recipient of envelope.recipients) expect(recipient.forwardPath).not.toBe('all@here.test');
    },
  );
  expect(deaths).toBeGreaterThan(4);
}, 120_000);

test('of a deferral: the mail is tried again, and delivered once it can be', async () => {
  const config = { queue: { retry: { first: '1m', max: '1m' } } };
  const deaths = await everyWrite(
    {
      options: { config },
      afterwards: () => 'delivered',
      act: async (rig) => {
        rig.worker.answer = () => 'temporary';
        await rig.accept();
        await rig.pass(4_000);
      },
    },
    ({ after, taken }) => {
      expect(live(after)).toBe(0);
      const attempts = taken.map(({ attempt }) => attempt);
      expect(attempts.length).toBeLessThanOrEqual(3);
      expect(attempts.length).toBeGreaterThanOrEqual(2);
    },
  );
  expect(deaths).toBeGreaterThan(2);
}, 120_000);

test('of a DSN: the sender is told, once', async () => {
  const deaths = await everyWrite(
    {
      options: {},
      act: async (rig) => {
        rig.worker.answer = ({ envelope }) => (envelope.reversePath === '' ? 'delivered' : 'permanent');
        await rig.accept({}, 'Subject: x\r\n\r\n');
        await rig.pass(4_000);
      },
    },
    ({ after, taken }) => {
      expect(live(after)).toBe(0);
      const dsns = taken.filter(({ envelope }) => envelope.reversePath === '');
      expect(new Set(dsns.map(({ id }) => id)).size).toBe(1);
      // The one in flight at the end may go twice.
      expect(dsns.length).toBeLessThanOrEqual(2);
    },
  );
  expect(deaths).toBeGreaterThan(1);
}, 120_000);

test('a list that nobody is on any more fails, and its sender hears of it; one that nobody can tell of waits', async () => {
  let answer: PageAnswer = { result: 'temporary', text: 'not now' };
  const rig = await startRig({ page: () => answer });
  await rig.accept({
    recipients: [{ forwardPath: 'all@here.test', list: {} }, { forwardPath: 'to@a.test' }],
  });
  await rig.pass(10_000);
  expect(rig.events('deferred')).toMatchObject([{ recipients: ['all@here.test'] }]);
  expect(pathsOf(rig.worker.taken)).toEqual(['to@a.test']);
  answer = { result: 'unknown' };
  await rig.pass(10 * minute);
  expect(rig.events('bounced')).toMatchObject([{ action: 'failed', to: 'from@example.org' }]);
});
