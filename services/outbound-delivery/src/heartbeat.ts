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
  /** Shards whose owners are told. */
  readonly #begun = new Set<string>();
  #stopped = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Beats until nothing is held for the shard. Its owner hears of us just now, since it asked for a channel. */
  async begin(shard: string): Promise<void> {
    if (this.#begun.has(shard)) return;
    this.#begun.add(shard);
    const { clock, held, unheard } = this.#options;
    /** When the last beat that was answered was sent. */
    let heardAt = clock.monotonic();
    for (let pause: number = times.beat; ;) {
      await new Promise<void>((resolve) => clock.after(pause, resolve));
      const channels = held(shard);
      if (this.#stopped || channels.length === 0) break;
      const sentAt = clock.monotonic();
      if (await this.#isNoted(shard, channels)) {
        heardAt = sentAt;
        // Owners reckon with a beat's time from one to the next, however late they answer.
        pause = Math.max(0, sentAt + times.beat - clock.monotonic());
      } else {
        if (clock.monotonic() - heardAt >= times.workerUnheard) unheard(shard);
        pause = times.beatRepeated;
      }
    }
    this.#begun.delete(shard);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** By the owner. */
  async #isNoted(shard: string, channels: readonly HeldChannel[]): Promise<boolean> {
    const { bus } = this.#options;
    try {
      const beat = { worker: bus.instance, channels };
      const answer = await bus.ref(shardProtocol, shard).ask('beat', beat);
      return answer?.result !== 'not-owner';
    } catch {
      // Nobody owns it now, or one of us can't be reached.
      return false;
    }
  }
}
