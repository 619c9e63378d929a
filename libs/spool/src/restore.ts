/** Writes the messages of a backup into an empty stream, each under the sequence that records know it by. */
import type { AppendResult, Log, LogMessage } from './log.js';

export interface LoadOptions {
  readonly log: Log;
  readonly stream: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly messages: AsyncIterable<LogMessage>;
  /** Large contents are found by their subjects: their sequences mean nothing. */
  readonly keepsSequences: boolean;
  /** Removes one message. */
  readonly erase: (stream: string, sequence: number) => Promise<void>;
  readonly progress: (messages: number, octets: number) => void;
}

export class RestoreFailed extends Error {}

/** Writes under way: each waits for a disk, and they share its syncs. */
const underWay = { messages: 256, octets: 8 * 1024 * 1024 };

/** @returns messages written; @throws RestoreFailed, and what reading the backup throws */
export async function loadStream(options: LoadOptions): Promise<number> {
  const { log, stream, firstSequence, lastSequence, messages, keepsSequences } = options;
  // The next sequence in an empty stream is where it was truncated to.
  if (keepsSequences && firstSequence > 1) await log.truncate(stream, firstSequence);
  const loader = new Loader(options);
  for await (const message of messages) await loader.write(message);
  await loader.written();
  if (keepsSequences && (await log.state(stream)).lastSequence !== Math.max(lastSequence, firstSequence - 1))
    throw new RestoreFailed(`${stream} does not end at ${lastSequence}: the backup is cut`);
  return loader.messages;
}

class Loader {
  messages = 0;
  readonly #options: LoadOptions;
  #next: number;
  #octets = 0;
  #octetsUnderWay = 0;
  readonly #underWay = new Set<Promise<void>>();
  #failed: Error | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#next = options.firstSequence;
  }

  async write(message: LogMessage): Promise<void> {
    const { keepsSequences, stream, lastSequence } = this.#options;
    if (keepsSequences) {
      if (message.sequence < this.#next || message.sequence > lastSequence)
        throw new RestoreFailed(`${stream}: sequence ${message.sequence} is none of this backup`);
      while (this.#next < message.sequence) await this.#leaveOut(message.subject);
    }
    await this.#append(message, keepsSequences ? message.sequence : undefined);
    this.#next = message.sequence + 1;
    this.messages++;
    this.#octets += message.payload.length;
    this.#options.progress(this.messages, this.#octets);
  }

  async written(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failed) throw this.#failed;
  }

  /** A message that was removed from among the others: its place must stay empty. */
  async #leaveOut(subject: string): Promise<void> {
    const { stream, erase } = this.#options;
    await this.#append({ sequence: this.#next, subject, payload: new Uint8Array(0) }, this.#next);
    await this.written();
    await erase(stream, this.#next);
    this.#next++;
  }

  /** In order: writes of one connection are stored as they were sent. */
  async #append({ subject, payload }: LogMessage, expected: number | undefined): Promise<void> {
    while (this.#underWay.size >= underWay.messages || this.#octetsUnderWay > underWay.octets)
      await Promise.race(this.#underWay);
    if (this.#failed) throw this.#failed;
    const { length } = payload;
    this.#octetsUnderWay += length;
    const written = this.#options.log.append(subject, Uint8Array.from(payload)).then((result) => {
      this.#octetsUnderWay -= length;
      this.#underWay.delete(written);
      this.#failed ??= problemOf(this.#options.stream, result, expected);
    });
    this.#underWay.add(written);
  }
}

function problemOf(stream: string, result: AppendResult, expected: number | undefined): Error | undefined {
  if (result.result === 'acknowledged') {
    if (expected === undefined || result.sequence === expected) return undefined;
    return new RestoreFailed(`${stream}: somebody else writes there (${result.sequence} for ${expected})`);
  }
  const full = result.result === 'refused' && result.reason === 'full';
  return new RestoreFailed(`${stream}: ${full ? 'no room: raise spool.max_size' : result.text}`);
}
