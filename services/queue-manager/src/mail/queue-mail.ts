/**
 * A live mail as its owner sees it: what is open, and which parts of it are on their way. The envelope of a mail that
 * rests is kept as one string, and its content not at all, so that a deferred mail costs some hundred octets.
 */
import type { Diagnostic, Envelope, MailId, Scheduling } from '@postrider/mail';
import type { OpenRecipient, SpooledMail } from '@postrider/spool';
import type { Channel, Site } from '../sites/site.js';
import { packEnvelope, unpackEnvelope } from './packed-envelope.js';
import { sharedDiagnostic } from './shared-diagnostic.js';

/** A recipient without a final record. */
export interface OpenState {
  readonly index: number;
  attempts: number;
  /** Milliseconds since the epoch. */
  until: number;
  /** Attempts of unknown outcome in a row. */
  unknowns: number;
  diagnostic: Diagnostic | undefined;
  /** Where it went last, for those who ask. */
  site: string | undefined;
}

/** Recipients of one mail that go to one site together: waits in the site's queue, then is a job on a channel. */
export interface Part {
  readonly mail: QueueMail;
  readonly opens: readonly OpenState[];
  /** Absent for a job that the owner before us gave out. */
  readonly site: Site | undefined;
  readonly attempt: number;
  /** A mail that may have killed a worker travels alone on its channel. */
  readonly alone: boolean;
  channel: Channel | undefined;
  /** The worker has said that it took it. */
  confirmed: boolean;
  /** Milliseconds since the epoch, when it was sent. */
  since: number;
}

/** Recipients that have ended, for `lookup`. */
export interface Ended {
  readonly index: number;
  readonly kind: 'delivered' | 'relayed' | 'expanded' | 'failed';
  readonly diagnostic: Diagnostic | undefined;
}

/** Shared by all that have none. */
const none: readonly Part[] = [];

export class QueueMail {
  readonly id: MailId;
  readonly acceptedAt: number;
  readonly bounce: boolean;
  readonly scheduling: Scheduling | undefined;
  readonly replayed: boolean;
  readonly large: boolean;
  state: 'active' | 'resting' | 'held' | 'ended' = 'active';
  place: SpooledMail['place'];
  content: Uint8Array | undefined;
  open: readonly OpenState[];
  held: string | undefined;
  /** Earliest `until` while it rests, milliseconds since the epoch. */
  until = 0;
  warned: boolean;
  /** Its sender was told that the time is over that he set (RFC 2852 §4.1.3). */
  toldLate = false;
  /** Found at a takeover: waits until workers have said whether they hold it. */
  settling = false;
  /** Parts that wait or are in flight. */
  parts: readonly Part[] = none;
  /** Lookups and reads under way for it. */
  placing = 0;
  ended: Ended[] | undefined;
  /** Counts in the window of active mail. */
  inWindow = false;
  /** Records about it that are not durable yet. */
  writing: Promise<void> | undefined;
  #envelope: Envelope | string;

  constructor({ mail, open, held, place, replayed }: SpooledMail) {
    const { envelope, content } = mail;
    this.id = envelope.id;
    this.acceptedAt = envelope.acceptedAt;
    this.scheduling = envelope.scheduling;
    this.bounce = envelope.reversePath === '';
    this.large = envelope.large !== undefined;
    this.replayed = replayed;
    this.place = place;
    this.content = content;
    this.open = open.map(openState);
    this.held = held;
    this.warned = false;
    this.#envelope = envelope;
  }

  get envelope(): Envelope {
    return typeof this.#envelope === 'string' ? unpackEnvelope(this.#envelope, this) : this.#envelope;
  }

  /** Something of it is on its way. */
  get busy(): boolean {
    return this.settling || this.placing > 0 || this.parts.length > 0;
  }

  get octets(): number {
    return this.content?.byteLength ?? 0;
  }

  /** It will not be needed for a while: the envelope becomes one string. */
  pack(): void {
    this.content = undefined;
    if (typeof this.#envelope !== 'string') this.#envelope = packEnvelope(this.#envelope);
  }

  unpack(): void {
    this.#envelope = this.envelope;
  }

  /** False: surely not; true: look closer. Spares parsing when many resting mails are searched. */
  mayName(text: string): boolean {
    return typeof this.#envelope !== 'string' || this.#envelope.toLowerCase().includes(text);
  }

  forwardPath({ index }: { readonly index: number }): string {
    return this.envelope.recipients[index]?.forwardPath ?? '';
  }

  forwardPaths(opens: readonly { readonly index: number }[]): readonly string[] {
    const { recipients } = this.envelope;
    return opens.map(({ index }) => recipients[index]?.forwardPath ?? '');
  }

  close(opens: readonly OpenState[]): void {
    this.open = this.open.length === opens.length ? [] : this.open.filter((one) => !opens.includes(one));
  }

  addParts(...parts: readonly Part[]): void {
    this.parts = this.parts.length === 0 ? parts : [...this.parts, ...parts];
  }

  /** Takes a part out; what is left of it may be put back as another. */
  drop(part: Part): void {
    this.parts =
      this.parts.length === 1 && this.parts[0] === part ? none : this.parts.filter((one) => one !== part);
  }
}

function openState({ index, attempts, until, unknowns, diagnostic }: OpenRecipient): OpenState {
  const shared = diagnostic === undefined ? undefined : sharedDiagnostic(diagnostic);
  return { index, attempts, until, unknowns, diagnostic: shared, site: undefined };
}

export const earliestUntil = (opens: readonly OpenState[]): number =>
  opens.reduce((earliest, { until }) => Math.min(earliest, until), Infinity);
