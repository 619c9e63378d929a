/**
 * How far a replay is, written into the shard's outcomes while it runs, so that a record on which each replay's process
 * dies is found: first the batch that it is in, then, one at a time, the record or the mail itself. What was in hand at
 * two ends running is set aside by the third owner (DESIGN §4). In the log and not in the lease: that is in memory and
 * gone after seconds, and a process that crashes again and again is started again later each time.
 */
import type { Clock, Timer } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import type { Log, LogMessage } from './log.js';
import type { ReplayedLog, Replaying, ReplayMark } from './record-frame.js';

/** What has been in hand for longer did not end the process. */
const innocentAfter = 5_000;

export interface ReplayMarksOptions {
  readonly log: Pick<Log, 'read'>;
  readonly clock: Clock;
  /** Ends with the same record in hand, after which it is set aside. */
  readonly deathsAtMost: number;
  /** Writes a bundle; it carries `now`. @throws Fenced */
  readonly write: () => Promise<void>;
  /** Copies it to QUARANTINE. @returns false when that failed, so that it has to be tried once more */
  readonly keep: (mark: ReplayMark, deaths: number) => Promise<boolean>;
}

export class ReplayMarks {
  /** Undefined once the replay is finished. */
  now: Replaying | undefined = { deaths: 0 };
  readonly #options: ReplayMarksOptions;
  #timer: Timer | undefined;
  /** Segments before it have been given out, and their mails are no longer in hand. */
  #givenOut = 1;
  #waiting: (() => void)[] = [];

  constructor(options: ReplayMarksOptions) {
    this.#options = options;
  }

  /** @param before what the owner before left; undefined: its replay was finished */
  begin(before: Replaying | undefined): void {
    this.now = successor(before);
  }

  /**
   * The log as a replay reads it: marks what it gives out.
   * @param pass leaves out what is kept in QUARANTINE; asked after the mark, since that may have it kept
   */
  reader(log: ReplayedLog, pass: (message: LogMessage) => LogMessage): Pick<Log, 'read'> {
    return {
      read: async (stream, subject, from, limit) => {
        const suspect = this.#suspectIn(log);
        const one = suspect !== undefined && within(suspect, from);
        const read = await this.#options.log.read(
          stream,
          subject,
          from,
          one ? { ...limit, messages: 1 } : limit,
        );
        if (this.now === undefined || suspect === undefined) return this.#marked(log, read, pass);
        // A batch ends where the suspects begin: those are taken in hand one at a time.
        const at = read.findIndex(({ sequence }) => within(suspect, sequence));
        // Read ahead it would take the place of what is in hand.
        if (log === 'segment' && (at === 0 || from > suspect.from)) await this.#untilGivenOut(from);
        return this.#marked(log, at === -1 ? read : read.slice(0, Math.max(at, 1)), pass);
      },
    };
  }

  /** The mails of that segment are to be given out one at a time. */
  doubts(sequence: number): boolean {
    const suspect = this.#suspectIn('segment');
    return suspect !== undefined && within(suspect, sequence);
  }

  /** Before a mail of a segment is given out. @returns false when it is set aside, or the owner has ended */
  async mail(sequence: number, mail: MailId): Promise<boolean> {
    try {
      return !(await this.#isPoison({ log: 'segment', from: sequence, to: sequence, mail }));
    } catch {
      return false;
    }
  }

  /** All segments before that sequence have been given out. */
  givenOut(next: number): void {
    this.#givenOut = next;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** All that was there at the takeover has been given out. */
  async finish(): Promise<void> {
    if (this.now === undefined) return;
    this.#timer?.cancel();
    this.now = undefined;
    this.givenOut(Infinity);
    await this.#options.write();
  }

  /** The owner lets go in order: its end says nothing of the record in hand. */
  async leave(): Promise<void> {
    if (this.now === undefined) return;
    this.#timer?.cancel();
    this.now = { ...this.now, left: true };
    await this.#options.write();
  }

  end(): void {
    this.#timer?.cancel();
    this.givenOut(Infinity);
  }

  async #marked(
    log: ReplayedLog,
    messages: readonly LogMessage[],
    pass: (message: LogMessage) => LogMessage,
  ): Promise<readonly LogMessage[]> {
    const [first] = messages;
    const last = messages.at(-1);
    if (first === undefined || last === undefined) return [];
    if (this.now === undefined) return messages.map(pass);
    const mark: ReplayMark = { log, from: first.sequence, to: last.sequence };
    // Once it is kept it is left out.
    await this.#isPoison(mark);
    return messages.map(pass);
  }

  /** Takes it in hand, unless it is what earlier replays ended with. */
  async #isPoison(mark: ReplayMark): Promise<boolean> {
    const deaths = this.now?.deaths ?? 0;
    const suspected =
      isExact(mark) && isSame(mark, this.now?.suspect) && deaths >= this.#options.deathsAtMost;
    if (suspected && (await this.#options.keep(mark, deaths))) return true;
    await this.#take(mark);
    return false;
  }

  async #take(at: ReplayMark): Promise<void> {
    if (this.now === undefined) return;
    this.now = { ...this.now, at };
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(innocentAfter, () => this.#acquit());
    await this.#options.write();
  }

  #acquit(): void {
    if (this.now?.at === undefined) return;
    const { deaths, suspect } = this.now;
    this.now = suspect === undefined ? { deaths } : { deaths, suspect };
    this.#options.write().catch(() => undefined);
  }

  #suspectIn(log: ReplayedLog): ReplayMark | undefined {
    const suspect = this.now?.suspect;
    return suspect?.log === log ? suspect : undefined;
  }

  async #untilGivenOut(from: number): Promise<void> {
    while (this.#givenOut < from) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** What the next replay is to make of the end of the one before. */
function successor(before: Replaying | undefined): Replaying {
  if (before === undefined) return { deaths: 0 };
  const { deaths, suspect, at, left } = before;
  if (left === true) return suspect === undefined ? { deaths } : { deaths, suspect };
  if (at === undefined) return { deaths: 0 };
  return { deaths: isExact(at) && isSame(at, suspect) ? deaths + 1 : 1, suspect: at };
}

/** One record. */
const isExact = ({ from, to }: ReplayMark): boolean => from === to;

const within = ({ from, to }: ReplayMark, sequence: number): boolean => sequence >= from && sequence <= to;

const isSame = (a: ReplayMark, b: ReplayMark | undefined): boolean =>
  b !== undefined && a.log === b.log && a.from === b.from && a.to === b.to && a.mail === b.mail;
