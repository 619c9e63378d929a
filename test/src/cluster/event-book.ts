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

const finalEvents: ReadonlySet<string> = new Set(['delivered', 'relayed', 'failed', 'expired']);
/** Two connections tell the same event within this many others. */
const remembered = 20_000;

export class EventBook {
  /** By mail id. */
  readonly stories = new Map<string, Story>();
  readonly ownership: OwnershipChange[] = [];
  /** How often each event was heard. */
  readonly counts = new Map<string, number>();
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
    const recipients = Array.isArray(record['recipients']) ? (record['recipients'] as readonly string[]) : [];
    if (record.event === 'accepted') this.#story(record.mail).accepted = recipients;
    if (!finalEvents.has(record.event)) return;
    const { final } = this.#story(record.mail);
    for (const recipient of recipients)
      final.set(recipient, (final.get(recipient) ?? new Set()).add(record.event));
  }

  #story(mail: string): Story {
    const known = this.stories.get(mail);
    if (known !== undefined) return known;
    const story: Story = { accepted: [], final: new Map() };
    this.stories.set(mail, story);
    return story;
  }
}
