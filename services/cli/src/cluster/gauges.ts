/** The latest gauge of each service of each instance, for as long as they come. */
import type { Bus } from '@postrider/bus';
import { times, type StatusRecord } from '@postrider/protocol';

/** After so long every instance that runs has spoken at least once. */
export const allHeardAfter = 2 * times.gauge + 200;
/** An instance that has been silent for longer is not counted. */
const fresh = 3 * times.gauge + 500;

type Figures = Readonly<Record<string, unknown>>;
const isFigures = (value: unknown): value is Figures => typeof value === 'object' && value !== null;

export class Gauges {
  readonly #watched: ReturnType<Bus['watch']>;
  readonly #heard = new Map<string, { readonly at: number; readonly record: StatusRecord }>();

  constructor(bus: Bus) {
    this.#watched = bus.watch('mta.status.>');
    void this.#listen();
  }

  now(): readonly StatusRecord[] {
    const now = performance.now();
    for (const [subject, { at }] of this.#heard) if (now - at > fresh) this.#heard.delete(subject);
    return [...this.#heard.values()].map(({ record }) => record);
  }

  /** What those who say that they own the shard say of it. */
  ofShard(shard: string): readonly Figures[] {
    return this.now().flatMap(({ shards }) => {
      const own = isFigures(shards) ? shards[shard] : undefined;
      return isFigures(own) ? [own] : [];
    });
  }

  stop(): void {
    this.#watched.stop();
  }

  async #listen(): Promise<void> {
    for await (const { subject, value } of this.#watched)
      this.#heard.set(subject, { at: performance.now(), record: value as StatusRecord });
  }
}
