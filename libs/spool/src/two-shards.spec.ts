/**
 * An ingress that writes to two shards, of which either may lose answers, be late, away or full, and that may be
 * started again: no mail stands in both shards, and none that got a 250 is missing.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manualClock, type ManualClock } from '@postrider/actor';
import { MemoryLog, MemoryStore } from './memory.js';
import { spoolOver } from './open.js';
import { mailOf, ownerOptions } from './spec/backends.js';
import { ScriptedLog, type Script } from './spec/scripted-log.js';
import type { CommitResult, SpoolWriter } from './spool.js';

const shards = ['a', 'b'];
const script = fc.constantFrom<Script[]>('well', 'well', 'lost', 'late', 'dropped', 'away', 'full', 'silent');
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ act: fc.constant('commit' as const), mails: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('meets' as const), script }) },
  {
    weight: 3,
    arbitrary: fc.record({ act: fc.constant('pass' as const), time: fc.constantFrom(10, 300, 1_100, 9_000) }),
  },
  { weight: 1, arbitrary: fc.constant({ act: 'land' as const }) },
  { weight: 1, arbitrary: fc.constant({ act: 'restart' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** How often a mail is given out by the owners of both shards. */
type Copies = ReadonlyMap<string, number>;

class Ingress {
  readonly fates = new Map<string, CommitResult['result'] | 'dead'>();
  readonly #clock: ManualClock;
  readonly #memory: MemoryLog;
  readonly #logs: ScriptedLog[] = [];
  #writer!: SpoolWriter;

  constructor(clock: ManualClock, memory: MemoryLog) {
    [this.#clock, this.#memory] = [clock, memory];
    this.#start();
  }

  async act(of: Step): Promise<void> {
    const log = this.#logs.at(-1);
    if (of.act === 'commit') for (let n = 0; n < of.mails; n++) this.#commit();
    else if (of.act === 'meets') log?.script.push(of.script);
    else if (of.act === 'land') await log?.land();
    else if (of.act === 'restart') {
      // What it waits for never comes, and may stand in the log all the same.
      if (log) log.dead = true;
      for (const [id, fate] of this.fates) if (fate === 'unknown') this.fates.set(id, 'dead');
      this.#start();
    } else await this.#clock.advance(of.time);
    await this.#clock.advance(1);
  }

  /** All goes well from now on. */
  async end(): Promise<void> {
    for (const log of this.#logs) {
      log.script = [];
      log.answer();
      await log.land();
    }
    for (let n = 0; n < 50; n++) await this.#clock.advance(500);
  }

  #start(): void {
    const log = new ScriptedLog(this.#memory);
    this.#logs.push(log);
    this.#writer = spoolOver(log, { clock: this.#clock, giveUpAfter: 8_000 }).writer({ shards });
  }

  #commit(): void {
    const mail = mailOf();
    const { id } = mail.envelope;
    this.fates.set(id, 'dead');
    void this.#writer.commit(mail).then(({ result }) => this.fates.set(id, result));
  }
}

async function copiesIn(memory: MemoryLog, clock: ManualClock): Promise<Copies> {
  const copies = new Map<string, number>();
  const spool = spoolOver(new ScriptedLog(memory), { clock, giveUpAfter: 8_000 });
  for (const shard of shards) {
    const owner = await spool.own(shard, ownerOptions());
    void (async () => {
      for await (const { mail } of owner.mails())
        copies.set(mail.envelope.id, (copies.get(mail.envelope.id) ?? 0) + 1);
    })();
  }
  for (let n = 0; n < 20; n++) await clock.advance(300);
  return copies;
}

test('whatever the shards answer: never in both, never missing after a 250, never there after a sure refusal', async () => {
  const met = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
      const clock = manualClock();
      const memory = new MemoryLog(new MemoryStore(), 1e9, clock);
      await memory.prepare(shards);
      const ingress = new Ingress(clock, memory);
      for (const one of steps) await ingress.act(one);
      await ingress.end();
      const copies = await copiesIn(memory, clock);
      for (const [id, fate] of ingress.fates) {
        met.add(fate);
        const count = copies.get(id) ?? 0;
        expect(count, `${id} is ${fate}`).toBeLessThanOrEqual(1);
        if (fate === 'committed') expect(count, `${id} is ${fate}`).toBe(1);
        // Unavailable: it was never published, or surely not stored.
        if (fate === 'full' || fate === 'unavailable') expect(count, `${id} is ${fate}`).toBe(0);
      }
    }),
    { numRuns: 200 },
  );
  expect([...met].sort()).toEqual(['committed', 'dead', 'full', 'unavailable', 'unknown']);
}, 60_000);

test('an ingress that is started again counts from one again, and its first segment is no copy of the old one', async () => {
  const clock = manualClock();
  const memory = new MemoryLog(new MemoryStore(), 1e9, clock);
  await memory.prepare(['a']);
  const spool = spoolOver(memory, { clock, giveUpAfter: 8_000 });
  const mails = [mailOf(), mailOf()];
  for (const mail of mails)
    expect(await spool.writer({ shards: ['a'] }).commit(mail)).toMatchObject({ result: 'committed' });
  const owner = await spool.own('a', ownerOptions());
  const ids: string[] = [];
  void (async () => {
    for await (const { mail } of owner.mails()) ids.push(mail.envelope.id);
  })();
  await clock.advance(1_000);
  expect(ids).toEqual(mails.map(({ envelope }) => envelope.id));
});
