/** A log whose answers to writes are scripted: what a network and a crash can do to an acknowledgement. */
import type { Leadership } from '../leaders.js';
import type { AppendOptions, AppendResult, Log, LogMessage, LogState, ReadLimit, Register } from '../log.js';

export type Script =
  | 'well'
  /** Stored, but nobody hears of it. */
  | 'lost'
  /** Nobody hears of it; stored when `land` is called. */
  | 'late'
  /** Neither stored nor heard of. */
  | 'dropped'
  | 'away'
  | 'full'
  /** The server's disk is full: nobody knows how much of it is stored. */
  | 'no space'
  | 'other'
  /** Answered as a duplicate, and not stored. */
  | 'duplicate'
  /** Never answered until `answer` is called. */
  | 'silent'
  /** The process ends with this write: stored, or not. Nothing it waits for ever comes. */
  | 'dies stored'
  | 'dies';

export class ScriptedLog implements Log {
  connected = true;
  readonly gatherFor = 0;
  gatherSegmentsFor = 0;
  readonly maxPayloadInOctets: number = 1024 * 1024;
  readonly appended: { readonly subject: string; readonly messageId: string | undefined }[] = [];
  /** For the next writes, in order; after them all goes well. */
  script: Script[] = [];
  /** What each write of a subject that contains the key meets, for as long as it is set. */
  readonly always = new Map<string, Script>();
  /** Each call takes that long, there and back. */
  delay: () => Promise<void> = () => Promise.resolve();
  readonly #log: Log;
  readonly #late: (() => Promise<AppendResult>)[] = [];
  readonly #silent: ((result: AppendResult) => void)[] = [];

  /** The process that uses it is dead: what it waits for never comes. */
  dead = false;

  constructor(log: Log) {
    this.#log = log;
  }

  get register(): Register {
    return this.#log.register;
  }

  async append(subject: string, payload: Uint8Array, options: AppendOptions = {}): Promise<AppendResult> {
    this.appended.push({ subject, messageId: options.messageId });
    const store = (): Promise<AppendResult> => this.#log.append(subject, payload, options);
    const always = [...this.always].find(([key]) => subject.includes(key))?.[1];
    if (this.dead) return never();
    await this.delay();
    const result = await this.#append(store, always ?? this.script.shift());
    await this.delay();
    return result;
  }

  async #append(store: () => Promise<AppendResult>, script: Script | undefined): Promise<AppendResult> {
    switch (script) {
      case undefined:
      case 'well':
        return store();
      case 'lost':
        await store();
        return { result: 'unknown', text: 'no acknowledgement' };
      case 'late':
        this.#late.push(store);
        return { result: 'unknown', text: 'no acknowledgement' };
      case 'dropped':
        return { result: 'unknown', text: 'no acknowledgement' };
      case 'away':
        return { result: 'refused', reason: 'away', text: 'nobody there' };
      case 'full':
        return { result: 'refused', reason: 'full', text: 'maximum bytes exceeded' };
      case 'no space':
        return { result: 'unknown', text: 'no space left on device', full: true };
      case 'other':
        return { result: 'refused', reason: 'other', text: 'something else' };
      case 'duplicate':
        return { result: 'acknowledged', sequence: 1, duplicate: true };
      case 'silent':
        return new Promise((resolve) => this.#silent.push(resolve));
      case 'dies stored':
        this.dead = true;
        await store();
        return never();
      case 'dies':
        this.dead = true;
        return never();
    }
  }

  /** What was late lands now. */
  async land(): Promise<readonly AppendResult[]> {
    return Promise.all(this.#late.splice(0).map((store) => store()));
  }

  /** What was silent ends as a time-out does. */
  answer(): void {
    for (const resolve of this.#silent.splice(0)) resolve({ result: 'unknown', text: 'no acknowledgement' });
  }

  prepare(shards: readonly string[]): Promise<readonly string[]> {
    return this.#unlessDead(() => this.#log.prepare(shards));
  }
  streams(): Promise<readonly string[]> {
    return this.#unlessDead(() => this.#log.streams());
  }
  read(stream: string, subject: string, from: number, limit: ReadLimit): Promise<readonly LogMessage[]> {
    return this.#unlessDead(() => this.#log.read(stream, subject, from, limit));
  }
  at(stream: string, sequence: number): Promise<LogMessage | undefined> {
    return this.#unlessDead(() => this.#log.at(stream, sequence));
  }
  last(stream: string, subject: string): Promise<LogMessage | undefined> {
    return this.#unlessDead(() => this.#log.last(stream, subject));
  }
  state(stream: string): Promise<LogState> {
    return this.#unlessDead(() => this.#log.state(stream));
  }
  truncate(stream: string, before: number): Promise<void> {
    return this.#unlessDead(() => this.#log.truncate(stream, before));
  }
  purge(stream: string, subject: string): Promise<void> {
    return this.#unlessDead(() => this.#log.purge(stream, subject));
  }
  enlarge(stream: string, byOctets: number): Promise<void> {
    return this.#unlessDead(() => this.#log.enlarge(stream, byOctets));
  }

  leadership(stream: string): Promise<Leadership | undefined> {
    return this.#log.leadership(stream);
  }
  moveLeader(stream: string, to: string): Promise<void> {
    return this.#log.moveLeader(stream, to);
  }
  subjects(stream: string, pattern: string): Promise<readonly string[]> {
    return this.#unlessDead(() => this.#log.subjects(stream, pattern));
  }
  close(): Promise<void> {
    return this.#log.close();
  }

  async #unlessDead<T>(act: () => Promise<T>): Promise<T> {
    await this.delay();
    const result = await (this.dead ? never<T>() : act());
    await this.delay();
    return this.dead ? never() : result;
  }
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
