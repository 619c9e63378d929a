/** A log under which the process dies with a certain write of its owner's. For specs only. */
import type { ManualClock } from '@postrider/actor';
import {
  MemoryLog,
  spoolOver,
  type AppendOptions,
  type AppendResult,
  type MemoryStore,
  type Spool,
} from '@postrider/spool';

export interface Death {
  /** Writes until the last. Infinity: it lives. */
  left: number;
  /** Whether that write is stored. */
  readonly stored: boolean;
  dead: boolean;
}

export function mortalSpool(death: Death): (store: MemoryStore, clock: ManualClock) => Spool {
  return (store, clock) => spoolOver(new MortalLog({ store, clock, death }), { clock, giveUpAfter: 8_000 });
}

class MortalLog extends MemoryLog {
  readonly #death: Death;

  constructor({ store, clock, death }: { store: MemoryStore; clock: ManualClock; death: Death }) {
    super(store, 1e9, clock);
    this.#death = death;
  }

  override async append(
    subject: string,
    payload: Uint8Array,
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    if (this.#death.dead) return never();
    this.#death.left--;
    if (this.#death.left > 0) return super.append(subject, payload, options);
    this.#death.dead = true;
    if (this.#death.stored) await super.append(subject, payload, options);
    return never();
  }
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
