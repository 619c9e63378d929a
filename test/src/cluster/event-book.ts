/** What the system itself says of each mail: events, heard over a connection to each NATS server, each counted once. */
import { connectBus, type Bus } from '@postrider/bus';
import type { EventRecord } from '@postrider/protocol';

export interface Story {
  /** Its recipients, as smtp-ingress accepted them; empty when that event was not heard. */
  accepted: readonly string[];
  /** Final states told, by recipient. */
  readonly final: Map<string, Set<string>>;
}

export interface OwnershipChange {
  readonly shard: string;
  readonly change: 'taken' | 'let_go';
  /** `performance.now()`. */
  readonly at: number;
}

/** Of a mail whose next hop takes it at once. */
interface Passage {
  readonly shard: string;
  /** `performance.now()`. */
  readonly accepted: number;
  readonly relayed: number;
}

/** Greylisted mail waits for its next try, whatever flows. */
const waits = '@grey.test';
const finalEvents: ReadonlySet<string> = new Set(['delivered', 'relayed', 'failed', 'expired']);
/** Two connections tell the same event within this many others. */
const remembered = 20_000;

export class EventBook {
  /** By mail id. */
  readonly stories = new Map<string, Story>();
  readonly ownership: OwnershipChange[] = [];
  /** How often each event was heard. */
  readonly counts = new Map<string, number>();
  readonly #passages: Passage[] = [];
  /** When mail under way was accepted, and its shard. */
  readonly #underWay = new Map<string, { readonly accepted: number; shard?: string }>();
  readonly #heard = new Set<string>();
  readonly #buses: Bus[] = [];

  /** @param servers a connection begins at each, so that one that dies takes no events with it */
  async follow(servers: readonly string[]): Promise<void> {
    for (const server of servers) {
      const bus = await connectBus({ address: { servers: [server] }, name: 'test/events', version: 'test' });
      this.#buses.push(bus);
      void this.#listen(bus.watch('mta.events.>'));
    }
  }

  /** The longest time, milliseconds, that a shard had no owner since then; undefined when all kept theirs. */
  longestWithoutOwner(since: number): number | undefined {
    const free = new Map<string, number>();
    const gaps = this.ownership
      .filter(({ at }) => at >= since)
      .flatMap(({ shard, change, at }) => {
        const gap = at - (free.get(shard) ?? since);
        // Without a word of letting go it lost its owner when the event began; a further one has none to lose.
        if (change === 'let_go') free.set(shard, at);
        else if (free.get(shard) !== Infinity) {
          free.set(shard, Infinity);
          return [gap];
        }
        return [];
      });
    return gaps.length === 0 ? undefined : Math.max(...gaps);
  }

  /**
   * The longest time, milliseconds, that no mail of a shard came to its next hop although some had been accepted: from
   * the mail before, or from when the first that waited was accepted, to the next.
   */
  longestStill(since: number): number {
    let longest = 0;
    const recent = this.#passages.filter(({ relayed }) => relayed >= since);
    for (const shard of new Set(recent.map((passage) => passage.shard))) {
      const passages = recent
        .filter((passage) => passage.shard === shard)
        .sort((a, b) => b.relayed - a.relayed);
      let waitsSince = Infinity;
      passages.forEach(({ accepted, relayed }, at) => {
        waitsSince = Math.min(waitsSince, accepted);
        const before = passages[at + 1]?.relayed ?? since;
        longest = Math.max(longest, relayed - Math.max(before, waitsSince));
      });
    }
    return longest;
  }

  stop(): void {
    for (const bus of this.#buses) void bus.close().catch(() => undefined);
  }

  async #listen(events: ReturnType<Bus['watch']>): Promise<void> {
    for await (const { value } of events) this.#note(value as EventRecord);
  }

  #note(record: EventRecord): void {
    if (this.#heard.has(record.id)) return;
    this.#heard.add(record.id);
    const [oldest] = this.#heard;
    if (this.#heard.size > remembered && oldest !== undefined) this.#heard.delete(oldest);
    this.counts.set(record.event, (this.counts.get(record.event) ?? 0) + 1);
    if (record.event === 'taken' || record.event === 'let_go')
      this.ownership.push({
        shard: String(record['shard']),
        change: record.event,
        at: performance.now(),
      });
    if (record.mail === undefined) return;
    this.#notePassage(record, record.mail);
    const recipients = Array.isArray(record['recipients']) ? (record['recipients'] as readonly string[]) : [];
    if (record.event === 'accepted') this.#story(record.mail).accepted = recipients;
    if (!finalEvents.has(record.event)) return;
    const { final } = this.#story(record.mail);
    for (const recipient of recipients)
      final.set(recipient, (final.get(recipient) ?? new Set()).add(record.event));
  }

  #notePassage(record: EventRecord, mail: string): void {
    const now = performance.now();
    const known = this.#underWay.get(mail);
    if (record.event === 'accepted' && !JSON.stringify(record['recipients']).includes(waits))
      this.#underWay.set(mail, { accepted: now });
    else if (record.event === 'queued' && known !== undefined) known.shard = String(record['shard']);
    else if (record.event === 'relayed' && known?.shard !== undefined) {
      this.#underWay.delete(mail);
      this.#passages.push({ shard: known.shard, accepted: known.accepted, relayed: now });
    }
  }

  #story(mail: string): Story {
    const known = this.stories.get(mail);
    if (known !== undefined) return known;
    const story: Story = { accepted: [], final: new Map() };
    this.stories.set(mail, story);
    return story;
  }
}
