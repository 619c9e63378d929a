/**
 * A destination site as one shard sees it: what waits for it, its channels here, what its owner granted, and whether
 * it is blocked.
 */
import type { Messages } from '@postrider/actor';
import type { Ref } from '@postrider/bus';
import type { Diagnostic, MailId } from '@postrider/mail';
import type { channel, Destination } from '@postrider/protocol';
import type { Part } from '../mail/queue-mail.js';
import { WaitingParts } from './waiting-parts.js';

/** An outbound connection in a worker that takes this shard's jobs. */
export interface Channel {
  readonly id: string;
  readonly worker: string;
  /** Absent when the owner before us opened it: only its results are waited for. */
  readonly site: Site | undefined;
  readonly ref: Ref<MessagesOf<typeof channel>>;
  readonly inFlight: Map<MailId, Part>;
  /** Content octets in flight. */
  octets: number;
  /** Carries one mail that travels alone, or is kept empty for one. */
  reserved: boolean;
  /** Takes no more jobs. */
  closing: boolean;
  /** Some mail had an outcome on it. */
  fruitful: boolean;
  /** Beats of its worker that did not name a mail we count as in flight. */
  readonly missing: Map<MailId, number>;
}

type MessagesOf<P> = P extends { readonly messages: infer M extends Messages } ? M : never;

export interface Grant {
  channels: number;
  /** Monotonic milliseconds; counted from when it was asked for. */
  until: number;
  asking: boolean;
  /** More than an even share: others may need some of it. */
  ample: boolean;
  /** Less was granted than is wanted: not asked for more until then, monotonic milliseconds. */
  shortUntil: number;
}

export interface Block {
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly diagnostic: Diagnostic;
}

export class Site {
  readonly name: string;
  destination: Destination;
  readonly waiting = new WaitingParts();
  /** Mails that may have killed a worker: each alone on a channel. */
  readonly alone = new WaitingParts();
  readonly channels = new Set<Channel>();
  /** Channels asked for and not there yet. */
  opening = 0;
  /** Channels that workers name and that are not ours: of an owner before us, or their `open` heard no answer. */
  strangers = 0;
  inFlight = 0;
  readonly grant: Grant = { channels: 0, until: 0, asking: false, ample: false, shortUntil: 0 };
  block: Block | undefined;
  /** Site failures in a row. */
  failures = 0;
  /** Channels in a row that ended without an outcome of any mail. */
  fruitless = 0;
  /** The server took no more than that many connections; until then, monotonic milliseconds. */
  cap: { readonly channels: number; readonly until: number } | undefined;
  lastDiagnostic: Diagnostic | undefined;

  constructor(name: string, destination: Destination) {
    this.name = name;
    this.destination = destination;
  }

  get waits(): number {
    return this.waiting.length + this.alone.length;
  }

  /** Channels that it holds or is about to; what it was left with counts as well. */
  get held(): number {
    return this.channels.size + this.opening + this.strangers;
  }

  get idle(): boolean {
    return this.waits === 0 && this.held === 0 && this.inFlight === 0;
  }

  blockedAt(now: number): Block | undefined {
    return this.block !== undefined && this.block.until > now ? this.block : undefined;
  }

  /** A mail had an outcome: the site works. */
  worked(): void {
    this.failures = 0;
    this.fruitless = 0;
    this.block = undefined;
  }
}
