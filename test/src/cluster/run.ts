/** Runs scenarios on a cluster under load and keeps the books: a row each, and the verdict over the whole history. */
import {
  runDisturbances,
  waitFor,
  type DisturbanceRow,
  type LoadOptions,
  type LoadResult,
} from '@postrider/testing';
import { channelsPerSite, type Cluster } from './cluster.js';
import { judge, type Verdict } from './model.js';
import { recipient } from './next-hops.js';
import type { Scenario } from './scenarios.js';

export interface ClusterRow extends DisturbanceRow {
  /** The longest time of a shard without an owner, from the begin or from a hand-over; undefined when all kept theirs. */
  readonly takeoverInSeconds: number | undefined;
  /** How long that may be. */
  readonly ownedWithin: number;
  /** The longest time that mail of a shard waited while none of it came to its next hop. */
  readonly stillInSeconds: number;
  /** The longest time from a 250 until the mail (or the DSN about it) was in a sink. */
  readonly slowestMailInSeconds: number;
  /** Connections open at once to one site, and how many may be. */
  readonly mostChannels: number;
  readonly channelsAtMost: number;
}

export interface Report {
  readonly rows: readonly ClusterRow[];
  readonly verdict: Verdict;
  /** Shards that still held mail when the time for it was over. */
  readonly waiting: readonly string[];
  /** What clients of the sinks did against RFC 5321. */
  readonly violations: readonly string[];
  /** Scenarios that can't be run here, and why. */
  readonly skipped: readonly string[];
}

/** A second unknown outcome waits 60 s. */
const drainWithin = 150_000;
const usualMailsASecond = 120;
const sessions = 12;

export class ClusterRun {
  readonly #cluster: Cluster;
  readonly #onRow: (row: ClusterRow) => void;
  readonly #mailsASecond: number;
  readonly #rows: ClusterRow[] = [];
  readonly #loads: LoadResult[] = [];
  readonly #skipped = new Set<string>();

  constructor(cluster: Cluster, onRow: (row: ClusterRow) => void, mailsASecond = usualMailsASecond) {
    this.#cluster = cluster;
    this.#onRow = onRow;
    this.#mailsASecond = mailsASecond;
  }

  /** @throws Error when mail does not flow again, or a process does not drain or come back */
  async run(scenario: Scenario): Promise<void> {
    const { network, nextHops, events } = this.#cluster;
    if (scenario.cuts === true && network.whyNotCut !== undefined) {
      this.#skipped.add(`${scenario.name}: ${network.whyNotCut}`);
      return;
    }
    let begunAt = 0;
    const happen = async (): Promise<void> => {
      begunAt = performance.now();
      nextHops.mostOpen();
      await scenario.happen(this.#cluster);
    };
    await runDisturbances({
      disturbances: [{ name: scenario.name, happen }],
      load: this.#load(),
      sink: nextHops,
      name: `row${this.#rows.length + 1}`,
      loadAfter: 1_000,
      drainWithin,
      drained: () => this.#cluster.drained(),
      onRow: (row, load) => {
        this.#loads.push(load);
        const gap = events.longestWithoutOwner(begunAt);
        const full: ClusterRow = {
          ...row,
          takeoverInSeconds: gap === undefined ? undefined : gap / 1000,
          ownedWithin: scenario.ownedWithin ?? Infinity,
          stillInSeconds: events.longestStill(begunAt) / 1000,
          slowestMailInSeconds: this.#slowest(load),
          mostChannels: nextHops.mostOpen(),
          channelsAtMost: scenario.hangs === true ? 2 * channelsPerSite : channelsPerSite,
        };
        this.#rows.push(full);
        this.#onRow(full);
      },
    });
  }

  /** Counts all again when the queue is empty, as second copies may come late. */
  async report(): Promise<Report> {
    const { nextHops, events } = this.#cluster;
    await waitFor(() => this.#cluster.drained(), drainWithin, 'the queue to drain').catch(() => false);
    return {
      rows: this.#rows,
      verdict: judge({ loads: this.#loads, received: nextHops.received, stories: events.stories }),
      waiting: await this.#cluster.waiting(),
      violations: nextHops.violations(),
      skipped: [...this.#skipped],
    };
  }

  #load(): Omit<LoadOptions, 'count'> {
    const { instances } = this.#cluster;
    return {
      port: () => instances.ports(),
      sessions,
      perSecond: this.#mailsASecond,
      sizeInOctets: 2_000,
      to: recipient,
    };
  }

  #slowest(load: LoadResult): number {
    const { arrivals } = this.#cluster.nextHops;
    let slowest = 0;
    for (const [marker, { done }] of load.accepted)
      slowest = Math.max(slowest, (arrivals.get(marker)?.at ?? done) - done);
    return slowest / 1000;
  }
}
