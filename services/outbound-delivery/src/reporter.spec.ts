import { manualClock } from '@postrider/actor';
import { memoryBus } from '@postrider/bus';
import { shard as shardProtocol, times, type ChannelReport, type JobResult } from '@postrider/protocol';
import { expect, it } from 'vitest';
import { ReportLane } from './report-lane.js';
import { Reporter } from './reporter.js';

type Answer = { readonly result: 'written' } | { readonly result: 'not-owner' };

const result = (id: string, text = '250 ok'): JobResult => ({
  id,
  attempt: 1,
  outcomes: [{ recipients: [0], outcome: 'relayed', diagnostic: { status: '2.0.0', text } }],
});

/** A shard whose owner answers when the spec says so. */
function rig() {
  const clock = manualClock();
  const bus = memoryBus('worker-1', clock);
  const reports: ChannelReport[] = [];
  const answers: ((answer: Answer) => void)[] = [];
  const lane = new ReportLane();
  const own = () =>
    bus.host(
      shardProtocol,
      () => ({
        handlers: new Proxy({} as never, {
          get: (_, message) =>
            message !== 'report'
              ? undefined
              : (report: ChannelReport) => {
                  reports.push(report);
                  return new Promise<Answer>((resolve) => answers.push(resolve));
                },
        }),
      }),
      { key: '0' },
    );
  const reporter = (channel: string) => new Reporter({ bus, clock, lane, shard: '0', epoch: 7, channel });
  const answer = async (value: Answer['result'] = 'written'): Promise<void> => {
    for (const resolve of answers.splice(0)) resolve({ result: value });
    await turn();
  };
  return { clock, bus, reports, own, reporter, answer };
}

async function turn(): Promise<void> {
  for (let n = 0; n < 5; n++) await new Promise<void>((resolve) => setImmediate(resolve));
}

const idsOf = (report: ChannelReport | undefined): readonly string[] =>
  (report?.results ?? []).map(({ id }) => id);

it('reports a mail at once, and bundles what finishes meanwhile', async () => {
  const { own, reporter, reports, answer } = rig();
  await own();
  const one = reporter('c1');
  one.add(result('a'));
  await turn();
  expect(reports[0]).toMatchObject({ channel: 'c1', worker: 'worker-1', epoch: 7 });
  for (const id of ['b', 'c', 'd']) one.add(result(id));
  await turn();
  expect(reports).toHaveLength(1);
  expect(one.unwritten).toEqual(['a', 'b', 'c', 'd']);
  await answer();
  expect(reports.map(idsOf)).toEqual([['a'], ['b', 'c', 'd']]);
  await answer();
  expect(one.unwritten).toEqual([]);
});

it('lets few channels report at once', async () => {
  const { own, reporter, reports, answer } = rig();
  await own();
  const all = Array.from({ length: 10 }, (_, n) => reporter(`c${n}`));
  for (const one of all) one.add(result('a'));
  await turn();
  expect(reports).toHaveLength(4);
  for (const one of all) one.add(result('b'));
  await answer();
  await answer();
  expect(reports.slice(4, 10).map(idsOf)).toEqual(Array.from({ length: 6 }, () => ['a', 'b']));
});

it('waits for no turn with many results', async () => {
  const { own, reporter, reports, answer } = rig();
  await own();
  for (let n = 0; n < 4; n++) reporter(`c${n}`).add(result('a'));
  await turn();
  const [few, many] = [reporter('few'), reporter('many')];
  const ids = Array.from({ length: 8 }, (_, n) => `m${n}`);
  few.add(result('f'));
  for (const id of ids) many.add(result(id));
  await turn();
  expect(reports.slice(4).map(idsOf)).toEqual([ids]);
  // While its report is under way, too, many come together.
  for (const id of ids) many.add(result(`${id}+`));
  await answer();
  await answer();
  expect(reports.slice(5).map(idsOf)).toEqual(expect.arrayContaining([['f'], ids.map((id) => `${id}+`)]));
  await answer();
  expect([...few.unwritten, ...many.unwritten]).toEqual([]);
});

it('channels with many results take no turn from one with few', async () => {
  const { own, reporter, reports, answer } = rig();
  await own();
  const many = Array.from({ length: 40 }, (_, n) => reporter(`many${n}`));
  const fill = (round: number): void => {
    for (const one of many) for (let n = 0; n < 8; n++) one.add(result(`${round}-${n}`));
  };
  fill(0);
  await turn();
  // All that may be urgent at once; four of the others have the turns.
  expect(reports).toHaveLength(36);
  const few = reporter('few');
  few.add(result('f'));
  for (let round = 1; round < 4; round++) {
    fill(round);
    await answer();
  }
  expect(reports.some(({ channel }) => channel === 'few')).toBe(true);
  while (many.some(({ unwritten }) => unwritten.length > 0)) await answer();
  expect(reports.flatMap(idsOf)).toHaveLength(40 * 8 * 4 + 1);
});

it('ends with why the channel is no more', async () => {
  const { own, reporter, reports, answer } = rig();
  await own();
  const one = reporter('c1');
  one.add(result('a'));
  one.end({ reason: 'idle' });
  await turn();
  expect(reports[0]).toMatchObject({ results: [{ id: 'a' }], ended: { reason: 'idle' } });
  let written = false;
  void one.written().then(() => (written = true));
  await turn();
  expect(written).toBe(false);
  await answer();
  expect(written).toBe(true);
});

it('repeats to whoever owns the shard until it is written', async () => {
  const { own, reporter, reports, answer, clock } = rig();
  const one = reporter('c1');
  one.add(result('a'));
  await turn();
  const hosted = await own();
  await clock.advance(times.resultRepeated);
  await turn();
  expect(reports.map(idsOf)).toEqual([['a']]);
  await answer('not-owner');
  await hosted.stop();
  await own();
  one.add(result('b'));
  await turn();
  expect(reports).toHaveLength(1);
  await clock.advance(times.resultRepeated);
  await turn();
  expect(reports.map(idsOf)).toEqual([['a'], ['a', 'b']]);
  await answer();
  expect(one.unwritten).toEqual([]);
});

it('repeats what is not answered', async () => {
  const { own, reporter, reports, clock } = rig();
  await own();
  reporter('c1').add(result('a'));
  await turn();
  await clock.advance(2 * times.resultRepeated);
  await turn();
  expect(reports.map(idsOf)).toEqual([['a'], ['a']]);
});

it('gives its turn to others while it waits to repeat', async () => {
  const { reporter, own, reports, clock } = rig();
  const blocked = Array.from({ length: 4 }, (_, n) => reporter(`c${n}`));
  for (const one of blocked) one.add(result('a'));
  await turn();
  await own();
  reporter('c5').add(result('b'));
  await turn();
  expect(reports.map(idsOf)).toEqual([['b']]);
  await clock.advance(times.resultRepeated);
});

it('fits a report into a message', async () => {
  const { own, reporter, reports, answer, bus } = rig();
  await own();
  const one = reporter('c1');
  const text = 'x'.repeat(400);
  for (let n = 0; n < 5_000; n++) one.add(result(String(n), text));
  one.end({ reason: 'closed' });
  await turn();
  while (one.unwritten.length > 0) await answer();
  expect(reports.length).toBeGreaterThan(1);
  for (const report of reports) expect(JSON.stringify(report).length).toBeLessThan(bus.maxPayloadInOctets);
  expect(reports.flatMap(idsOf)).toHaveLength(5_000);
  expect(reports.map(({ ended }) => ended !== undefined)).toEqual(
    reports.map((_, n) => n === reports.length - 1),
  );
});
