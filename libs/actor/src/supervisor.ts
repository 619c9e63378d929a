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

/** Restarts are counted within this time. */
const restartsCountedWithin = 60_000;

export class Supervisor {
  /** The running actor; undefined between a fault and the restart, and after the end. */
  actor: Actor<Messages> | undefined;
  state: 'running' | 'pausing' | 'ended' = 'running';
  readonly #behaviour: Behaviour<Messages>;
  readonly #options: SupervisorOptions;
  #restarts: number[] = [];
  #timer: Timer | undefined;

  constructor(behaviour: Behaviour<Messages>, options: SupervisorOptions) {
    this.#behaviour = behaviour;
    this.#options = options;
    this.#start();
  }

  /** A handler of that actor threw, or the actor failed by itself. */
  fault(actor: Actor<Messages>, fault: unknown): void {
    // A fault of an earlier incarnation, or the second of one: it has been dealt with.
    if (actor !== this.actor) return;
    const { supervision } = this.#options;
    if (supervision.onFault === 'resume') return;
    if (supervision.onFault === 'restart' && this.#mayRestart(supervision.restarts)) this.#restart(supervision);
    else {
      void this.end();
      if (supervision.onFault !== 'stop') this.#options.escalate(fault);
    }
  }

  async end(): Promise<void> {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.#timer?.cancel();
    const ending = this.#release();
    this.#options.ended();
    await ending;
  }

  #start(): void {
    this.state = 'running';
    let own: Actor<Messages> | undefined;
    own = this.#behaviour({
      clock: this.#options.clock,
      fail: (fault) => {
        if (own) this.fault(own, fault);
      },
      stop: () => void this.end(),
    });
    this.actor = own;
  }

  #restart({ minimum, maximum }: { readonly minimum: number; readonly maximum: number }): void {
    this.state = 'pausing';
    void this.#release();
    const pause = Math.min(maximum, minimum * 2 ** (this.#restarts.length - 1));
    this.#timer = this.#options.clock.after(pause, () => {
      this.#start();
      this.#options.running();
    });
  }

  #mayRestart(limit: number): boolean {
    const now = this.#options.clock.monotonic();
    this.#restarts = this.#restarts.filter((at) => now - at < restartsCountedWithin);
    this.#restarts.push(now);
    return this.#restarts.length <= limit;
  }

  async #release(): Promise<void> {
    const actor = this.actor;
    this.actor = undefined;
    await actor?.stopped?.();
  }
}
