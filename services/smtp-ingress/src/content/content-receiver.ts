/**
 * The content of one mail while DATA arrives: scanned, counted, held in memory; over 256 KiB, or when the process
 * holds too much already, streamed to the spool (DESIGN §3 'Large content'). What must be refused is swallowed
 * without being kept.
 */
import type { LargeContent, MailId } from '@postrider/mail';
import { DataScanner, MimeHeaders, type DataProblem, type Reply } from '@postrider/smtp';
import type { LargeContentWriter } from '@postrider/spool';
import type { Settings } from '../settings.js';
import type { Place } from './admission.js';
import type { ContentBudget } from './content-budget.js';
import { Pieces } from './pieces.js';

export interface ContentOptions {
  readonly id: MailId;
  /** dots: ends with CRLF.CRLF, dots are stuffed (DATA). chunks, binary: ends when the client says so (BDAT). */
  readonly framing?: 'dots' | 'chunks' | 'binary';
  /** Goes on top of the content (RFC 5321 §4.4). */
  readonly traceField: string;
  readonly limits: Pick<Settings['limits'], 'message_size' | 'received_headers' | 'text_line'>;
  /** Content over this is not held in memory. */
  readonly heldInOctets: number;
  readonly budget: ContentBudget;
  /** Left when the content is stored or given up. */
  readonly place: Place;
  /**
   * Looks at the beginning of the content, its header section at least unless that is larger than what is held: gives
   * fields to put on top, or why the mail is refused. Once, before anything is given on.
   */
  readonly complete?: (beginning: Buffer) => string | Reply;
  /** SMTPUTF8 was given: the header sections of parts are looked at, too (RFC 6531 §3.2). */
  readonly smtputf8?: boolean;
  readonly beginLarge: (id: MailId) => LargeContentWriter;
}

export type ContentProblem =
  | { readonly problem: DataProblem | 'too-large' | 'loop' }
  | { readonly problem: 'policy'; readonly reply: Reply }
  /** The spool did not take it. */
  | { readonly problem: 'storage'; readonly fault: unknown };

/** Where the whole content is. */
export type StoredContent =
  | { readonly place: 'memory'; readonly content: readonly Uint8Array[] }
  | { readonly place: 'spool'; readonly large: LargeContent; readonly shard: string };

/** Octets that a large content gathers before they are given to the spool. */
const writtenAtOnceInOctets = 64 * 1024;

const nothing = Buffer.alloc(0);

export class ContentReceiver {
  readonly id: MailId;
  readonly #options: ContentOptions;
  readonly #scanner: DataScanner;
  readonly #pieces = new Pieces();
  readonly #mimeHeaders: MimeHeaders | undefined;
  #addedInOctets: number;
  #budgetTaken = 0;
  #octets = 0;
  #large: LargeContentWriter | undefined;
  #refused: ContentProblem | undefined;
  #completed = false;
  #traceField: Buffer = nothing;

  constructor(options: ContentOptions) {
    this.id = options.id;
    this.#options = options;
    const { framing, limits } = options;
    const longestLine = limits.text_line === 0 ? undefined : limits.text_line;
    this.#scanner = new DataScanner((piece) => this.#keep(piece), { framing, longestLine });
    this.#mimeHeaders = options.smtputf8 === true ? new MimeHeaders() : undefined;
    const traceField = Buffer.from(options.traceField, 'latin1');
    this.#addedInOctets = traceField.length;
    // What is to be completed gets it together with what is missing.
    if (options.complete) this.#traceField = traceField;
    else this.#pieces.push(traceField);
  }

  /** Octets of the content as it goes out, with what was added on top. */
  get sizeInOctets(): number {
    return this.#octets + this.#addedInOctets;
  }

  /** @returns how many octets of the chunk belong to the mail when its end is in it, else -1 */
  scan(chunk: Buffer): number {
    this.#options.place.heard();
    return this.#scanner.scan(chunk);
  }

  /** Its header section - with SMTPUTF8 of a part of it, too - is not US-ASCII alone, as far as it has come. */
  get eightBitHeader(): boolean {
    return this.#scanner.eightBitHeader || this.#mimeHeaders?.eightBit === true;
  }

  /** It can't be taken any more, whatever comes. */
  get isRefused(): boolean {
    return this.#problem() !== undefined;
  }

  /** Whatever comes is swallowed, and the reply is this. */
  refuse(reply: Reply): void {
    this.#refuse({ problem: 'policy', reply });
  }

  /** Gives a large content on to the spool. @returns a promise while the client must wait, else undefined */
  settle(): Promise<void> | undefined {
    if (!this.#large || this.#pieces.octets < Math.min(writtenAtOnceInOctets, this.#large.gathersInOctets))
      return undefined;
    this.#options.place.holdsUp();
    return this.#write(this.#large).then(() => this.#options.place.heard());
  }

  /** After the end: the whole, or why it can't be taken. */
  finish(): StoredContent | ContentProblem | Promise<StoredContent | ContentProblem> {
    this.#scanner.end();
    this.#options.place.holdsUp();
    if (!this.#problem()) this.#complete();
    const refused = this.#problem();
    if (refused) {
      this.abandon();
      return refused;
    }
    if (this.#large) return this.#finishLarge(this.#large);
    return { place: 'memory', content: this.#pieces.takeAll() };
  }

  /** Gives back the memory it was granted, and its place; the mail is stored, or is not to be. */
  release(): void {
    this.#giveBack();
    this.#options.place.leave(this.#octets);
  }

  /** The mail is not to be: forgets what is held, purges what is stored. */
  abandon(): void {
    this.#pieces.takeAll();
    this.release();
    const large = this.#large;
    this.#large = undefined;
    // Chunks that can't be purged now are swept later.
    large?.abandon().catch(() => undefined);
  }

  #complete(): void {
    const { complete } = this.#options;
    if (this.#completed || !complete) return;
    this.#completed = true;
    const content = this.#pieces.takeAll();
    const added = complete(Buffer.concat(content));
    if (typeof added !== 'string') {
      this.#refuse({ problem: 'policy', reply: added });
      return;
    }
    this.#addedInOctets += added.length;
    for (const piece of [this.#traceField, Buffer.from(added, 'latin1'), ...content])
      this.#pieces.push(piece);
  }

  #problem(): ContentProblem | undefined {
    if (this.#scanner.problem) return { problem: this.#scanner.problem };
    if (this.#refused) return this.#refused;
    // RFC 5321 §6.3
    if (this.#scanner.receivedFields > this.#options.limits.received_headers) return { problem: 'loop' };
    return undefined;
  }

  #keep(piece: Buffer): void {
    if (this.#refused) return;
    this.#octets += piece.length;
    // RFC 1870 §5: counted without stuffed dots and without our trace field.
    if (this.#octets > this.#options.limits.message_size) {
      this.#refuse({ problem: 'too-large' });
      return;
    }
    this.#pieces.push(piece);
    this.#mimeHeaders?.feed(piece);
    if (!this.#large && !this.#mayHold(piece.length)) {
      this.#large = this.#options.beginLarge(this.id);
      this.#giveBack();
    }
  }

  #giveBack(): void {
    this.#options.budget.giveBack(this.#budgetTaken);
    this.#budgetTaken = 0;
  }

  #mayHold(octets: number): boolean {
    if (this.#octets > this.#options.heldInOctets || !this.#options.budget.take(octets)) return false;
    this.#budgetTaken += octets;
    return true;
  }

  #refuse(problem: ContentProblem): void {
    this.abandon();
    this.#refused = problem;
  }

  async #write(large: LargeContentWriter): Promise<void> {
    this.#complete();
    try {
      for (const piece of this.#pieces.takeAll()) {
        // Abandoned while the spool was taking it: what follows would only have to be swept.
        if (this.#large !== large) return;
        await large.write(piece);
      }
    } catch (fault) {
      this.#refuse({ problem: 'storage', fault });
    }
  }

  async #finishLarge(large: LargeContentWriter): Promise<StoredContent | ContentProblem> {
    await this.#write(large);
    if (this.#refused) return this.#refused;
    try {
      return { place: 'spool', large: await large.finish(), shard: large.shard };
    } catch (fault) {
      this.abandon();
      return { problem: 'storage', fault };
    }
  }
}
