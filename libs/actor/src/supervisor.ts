/** What follows a fault: the actor goes on, starts afresh after a pause, ends, or its owner is told. */
import type { Actor, Behaviour, Supervision } from './behaviour.js';
import type { Clock, Timer } from './clock.js';
import type { Messages } from './protocol.js';

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly supervision: Supervision;
  readonly escalate: (fault: unknown) => void;
  /** The actor runs (again): messages may be handled. */
  readonly running: () => void;
  readonly ended: () => void;
}

/** Restarts are counted within this time, milliseconds. */
const restartsCountedWithin = 60_000;

export class Supervisor {
  /** The running actor; undefined between a fault and the restart, and after the end. */
  actor: Actor<Messages> | undefined;
  state: 'running' | 'pausing' | 'ended' = 'running';
  readonly #behaviour: Behaviour<Messages>;
  readonly #options: SupervisorOptions;
  /** Counts incarnations: what an earlier one still says of itself is of no account. */
  #incarnation = 0;
  #restarts: number[] = [];
  #timer: Timer | undefined;
  #released: Promise<void> | undefined;

  /** @throws what the behaviour throws at its first start */
  constructor(behaviour: Behaviour<Messages>, options: SupervisorOptions) {
    this.#behaviour = behaviour;
    this.#options = options;
    this.#start();
  }

  /** A handler of that actor threw. */
  fault(actor: Actor<Messages>, fault: unknown): void {
    // A fault of an earlier incarnation, or the second of one: it has been dealt with.
    if (actor === this.actor && this.#options.supervision.onFault !== 'resume') this.#failed(fault);
  }

  /** Resolves when the actor has given back what it held. @throws what its `stopped` throws */
  end(): Promise<void> {
    if (!this.#released) {
      this.state = 'ended';
      this.#timer?.cancel();
      this.#released = this.#release();
      this.#options.ended();
    }
    return this.#released;
  }

  #start(): void {
    const incarnation = ++this.#incarnation;
    const isCurrent = (): boolean => incarnation === this.#incarnation;
    this.state = 'running';
    const actor = this.#behaviour({
      clock: this.#options.clock,
      fail: (fault) => {
        if (isCurrent()) this.#failed(fault);
      },
      stop: () => {
        if (isCurrent()) this.#endUnawaited();
      },
    });
    if (isCurrent()) this.actor = actor;
    // It failed or stopped itself while it was made.
    else void release(actor).catch(this.#options.escalate);
  }

  /** `context.fail` says that this actor can't go on: `resume`, which is about handlers, is no answer to that. */
  #failed(fault: unknown): void {
    const { supervision } = this.#options;
    if (supervision.onFault === 'restart' && this.#mayRestart(supervision.restarts)) {
      this.#restart(supervision);
      return;
    }
    this.#endUnawaited();
    if (supervision.onFault !== 'stop') this.#options.escalate(fault);
  }

  #restart({ minimum, maximum }: { readonly minimum: number; readonly maximum: number }): void {
    this.state = 'pausing';
    const released = this.#release().catch(this.#options.escalate);
    const pause = Math.min(maximum, minimum * 2 ** (this.#restarts.length - 1));
    // What the old incarnation held, a port say, must be free before the new one wants it.
    this.#timer = this.#options.clock.after(pause, () => void released.then(() => this.#startAgain()));
  }

  #startAgain(): void {
    if (this.state !== 'pausing') return;
    try {
      this.#start();
    } catch (fault) {
      this.#failed(fault);
      return;
    }
    this.#options.running();
  }

  #mayRestart(limit: number): boolean {
    const now = this.#options.clock.monotonic();
    this.#restarts = this.#restarts.filter((at) => now - at < restartsCountedWithin);
    this.#restarts.push(now);
    return this.#restarts.length <= limit;
  }

  #endUnawaited(): void {
    void this.end().catch(this.#options.escalate);
  }

  #release(): Promise<void> {
    const actor = this.actor;
    this.actor = undefined;
    this.#incarnation++;
    return release(actor);
  }
}

async function release(actor: Actor<Messages> | undefined): Promise<void> {
  await actor?.stopped?.();
}
