/**
 * Keeps the leaders of the shards' streams spread over the NATS servers. One instance does it: the one that owns the
 * first shard. An election's end, or servers started again one by one, may leave one server to lead all.
 */
import type { Timer } from '@postrider/actor';
import type { ServiceContext } from '@postrider/runtime';

export interface LeaderSpreadOptions {
  readonly context: Pick<ServiceContext, 'spool' | 'clock' | 'log'>;
  /** Is it this instance's turn? */
  readonly ours: () => boolean;
}

/** Nothing is wrong while leaders are not even; each move costs its stream a moment. */
const lookedAtEvery = 15_000;
/** Between two moves: the stream has its leader by then, and the others were not stopped beside it. */
const movedAgainAfter = 2_000;
/** A copy of a busy stream lags whenever a message is on its way: looked at again as soon, so often before it is given up. */
const triesWhileLagging = 5;

export class LeaderSpread {
  readonly #options: LeaderSpreadOptions;
  #timer: Timer | undefined;
  #ended = false;
  #lagged = 0;

  constructor(options: LeaderSpreadOptions) {
    this.#options = options;
    this.#later(lookedAtEvery);
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #later(pause: number): void {
    if (this.#ended) return;
    this.#timer = this.#options.context.clock.after(
      pause,
      () => void this.#look().then((soon) => this.#later(soon ? movedAgainAfter : lookedAtEvery)),
    );
  }

  /** @returns whether there may be more to do soon */
  async #look(): Promise<boolean> {
    if (!this.#options.ours()) return false;
    const { spool, log } = this.#options.context;
    try {
      const move = await spool.spreadLeaders();
      this.#lagged = move === 'lags' ? this.#lagged + 1 : 0;
      if (move === 'lags') return this.#lagged % triesWhileLagging !== 0;
      if (move !== undefined) log.info({ ...move }, 'NATS: led by another server, so that all lead as many');
      return move !== undefined;
    } catch (fault) {
      log.debug({ fault: String(fault) }, 'leaders were not spread');
      return false;
    }
  }
}
