/**
 * Tells the owners of the shards that channels are held for what is held, and knows whether they heard it: a worker that
 * is not heard counts as lost soon, and its connections would come on top of those opened in their place.
 * Gives `beat` to shards.
 */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import { shard as shardProtocol, times, type HeldChannel } from '@postrider/protocol';

export interface HeartbeatOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly held: (shard: string) => readonly HeldChannel[];
  /** The owner has not answered for `times.workerUnheard`; told again until it does. */
  readonly unheard: (shard: string) => void;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  /** By shard: when the last beat that was answered was sent, monotonic milliseconds. */
  readonly #heardAt = new Map<string, number>();
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Beats until nothing is held for the shard. Its owner hears of us just now, since it asked for a channel. */
  async begin(shard: string): Promise<void> {
    if (this.#heardAt.has(shard)) return;
    const { clock } = this.#options;
    this.#heardAt.set(shard, clock.monotonic());
    for (let pause: number = times.beat; ;) {
      await new Promise<void>((resolve) => clock.after(pause, resolve));
      const held = this.#options.held(shard);
      if (this.#stopped || held.length === 0) break;
      const sentAt = clock.monotonic();
      // Owners reckon with a beat's time from one to the next, however late they answer.
      pause = (await this.#beat(shard, held))
        ? Math.max(0, sentAt + times.beat - clock.monotonic())
        : times.beatRepeated;
    }
    this.#heardAt.delete(shard);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** @returns whether the owner has noted it */
  async #beat(shard: string, channels: readonly HeldChannel[]): Promise<boolean> {
    const { bus, clock, unheard } = this.#options;
    const sentAt = clock.monotonic();
    try {
      const beat = { worker: bus.instance, channels };
      const answer = await bus.ref(shardProtocol, shard).ask('beat', beat);
      if (answer?.result !== 'not-owner') {
        this.#heardAt.set(shard, sentAt);
        return true;
      }
    } catch {
      // Nobody owns it now, or one of us can't be reached.
    }
    if (clock.monotonic() - (this.#heardAt.get(shard) ?? 0) >= times.workerUnheard) unheard(shard);
    return false;
  }
}
