/**
 * A live mail as its owner sees it: what is open, and which parts of it are on their way. The envelope of a mail that
 * rests is kept as one string, and its content not at all, so that a deferred mail costs some hundred octets.
 */
import {
  packEnvelope,
  unpackEnvelope,
  type Diagnostic,
  type Envelope,
  type MailId,
  type Scheduling,
} from '@postrider/mail';
import type { OpenRecipient, PackedMail, SpooledMail } from '@postrider/spool';
import type { Channel, Site } from '../sites/site.js';
import { sharedDiagnostic } from './shared-diagnostic.js';
import { noParts, Work } from './work.js';

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

/** Times are kept as distances from this one: within 24 days they are numbers that need no memory of their own. */
const epoch = Date.now();

/** A recipient without a final record. */
export class OpenState {
  readonly index: number;
  attempts: number;
  /** Attempts of unknown outcome in a row. */
  unknowns: number;
  diagnostic: Diagnostic | undefined;
  /** Where it went last, for those who ask. */
  site: string | undefined;
  #until: number;

  constructor({ index, attempts, until, unknowns, diagnostic }: OpenRecipient) {
    this.index = index;
    this.attempts = attempts;
    this.unknowns = unknowns;
    this.diagnostic = diagnostic === undefined ? undefined : sharedDiagnostic(diagnostic);
    this.#until = distance(until);
  }

  /** Milliseconds since the epoch; 0: now. */
  get until(): number {
    return this.#until === now ? 0 : this.#until + epoch;
  }

  set until(until: number) {
    this.#until = distance(until);
  }
}

/** Facts of yes and no, in one number. */
const flag = {
  bounce: 1,
  replayed: 2,
  large: 4,
  warned: 8,
  toldLate: 16,
  settling: 32,
  inWindow: 64,
  stowed: 128,
} as const;

/** A mail as it was found: whole, or packed. */
export type FoundMail = Pick<SpooledMail, 'open' | 'held' | 'place' | 'replayed'> &
  (({ readonly packed?: undefined } & Pick<SpooledMail, 'mail'>) | { readonly packed: PackedMail });

export class QueueMail {
  readonly id: MailId;
  /** Of stowed mail that it was taken from: its time is noted there. */
  row: number | undefined;
  state: 'active' | 'resting' | 'held' | 'ended' = 'active';
  place: SpooledMail['place'];
  #acceptedAt: number;
  #until = 0;
  #flags: number;
  /** Nearly all have one: it stands here without an array around it. */
  #open: OpenState | readonly OpenState[];
  #envelope: Envelope | string;
  #work: Work | undefined;

  constructor(found: FoundMail) {
    const { open, held, place, replayed } = found;
    const [facts, content] = factsOf(found);
    const { id, acceptedAt, bounce, large, scheduling } = facts;
    this.id = id;
    this.#acceptedAt = acceptedAt - epoch;
    this.place = place;
    this.#flags =
      (bounce ? flag.bounce : 0) | (replayed ? flag.replayed : 0) | (large === undefined ? 0 : flag.large);
    this.#open = compact(open.map((one) => new OpenState(one)));
    this.#envelope = 'text' in facts ? facts.text : facts.envelope;
    if (content === undefined && held === undefined && scheduling === undefined) return;
    this.#work = new Work();
    this.#work.content = content;
    this.#work.held = held;
    this.#work.scheduling = scheduling;
  }

  get acceptedAt(): number {
    return this.#acceptedAt + epoch;
  }

  /** Earliest `until` while it rests, milliseconds since the epoch. */
  get until(): number {
    return this.#until + epoch;
  }

  set until(until: number) {
    this.#until = until - epoch;
  }

  get open(): readonly OpenState[] {
    return this.#open instanceof OpenState ? [this.#open] : this.#open;
  }

  set open(open: readonly OpenState[]) {
    this.#open = compact(open);
  }

  get bounce(): boolean {
    return (this.#flags & flag.bounce) !== 0;
  }

  get replayed(): boolean {
    return (this.#flags & flag.replayed) !== 0;
  }

  get large(): boolean {
    return (this.#flags & flag.large) !== 0;
  }

  get warned(): boolean {
    return (this.#flags & flag.warned) !== 0;
  }

  set warned(set: boolean) {
    this.#flag(flag.warned, set);
  }

  /** Its sender was told that the time is over that he set (RFC 2852 §4.1.3). */
  get toldLate(): boolean {
    return (this.#flags & flag.toldLate) !== 0;
  }

  set toldLate(set: boolean) {
    this.#flag(flag.toldLate, set);
  }

  /** Found at a takeover: waits until workers have said whether they hold it. */
  get settling(): boolean {
    return (this.#flags & flag.settling) !== 0;
  }

  set settling(set: boolean) {
    this.#flag(flag.settling, set);
  }

  /** Counts in the window of active mail. */
  get inWindow(): boolean {
    return (this.#flags & flag.inWindow) !== 0;
  }

  set inWindow(set: boolean) {
    this.#flag(flag.inWindow, set);
  }

  /** It stands in the stowed mails: this object of it must not be changed any more. */
  get stowed(): boolean {
    return (this.#flags & flag.stowed) !== 0;
  }

  set stowed(set: boolean) {
    this.#flag(flag.stowed, set);
  }

  get content(): Uint8Array | undefined {
    return this.#work?.content;
  }

  set content(content: Uint8Array | undefined) {
    this.#set('content', content, undefined);
  }

  get held(): string | undefined {
    return this.#work?.held;
  }

  set held(held: string | undefined) {
    this.#set('held', held, undefined);
  }

  get scheduling(): Scheduling | undefined {
    return this.#work?.scheduling;
  }

  get parts(): readonly Part[] {
    return this.#work?.parts ?? noParts;
  }

  set parts(parts: readonly Part[]) {
    this.#set('parts', parts, noParts);
  }

  get placing(): number {
    return this.#work?.placing ?? 0;
  }

  set placing(placing: number) {
    this.#set('placing', placing, 0);
  }

  get ended(): Ended[] | undefined {
    return this.#work?.ended;
  }

  set ended(ended: Ended[] | undefined) {
    this.#set('ended', ended, undefined);
  }

  get writing(): Promise<void> | undefined {
    return this.#work?.writing;
  }

  set writing(writing: Promise<void> | undefined) {
    this.#set('writing', writing, undefined);
  }

  get envelope(): Envelope {
    return typeof this.#envelope === 'string' ? unpackEnvelope(this.#envelope, this) : this.#envelope;
  }

  /** Something of it is on its way. */
  get busy(): boolean {
    return this.settling || this.placing > 0 || this.parts.length > 0;
  }

  /** Nothing of it is on its way, being written, or known beside its open recipients. */
  get idle(): boolean {
    return this.#work === undefined && !this.settling && !this.inWindow;
  }

  get octets(): number {
    return this.content?.byteLength ?? 0;
  }

  /** It will not be needed for a while: the envelope becomes one string. @returns that */
  pack(): string {
    this.content = undefined;
    if (typeof this.#envelope !== 'string') this.#envelope = packEnvelope(this.#envelope);
    this.#tidy();
    return this.#envelope;
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
      this.parts.length === 1 && this.parts[0] === part ? noParts : this.parts.filter((one) => one !== part);
  }

  #flag(bit: number, set: boolean): void {
    this.#flags = set ? this.#flags | bit : this.#flags & ~bit;
  }

  #set<K extends Exclude<keyof Work, 'over'>>(key: K, value: Work[K], none: Work[K]): void {
    if (this.#work === undefined && value === none) return;
    this.#work ??= new Work();
    this.#work[key] = value;
    if (value === none && typeof this.#envelope === 'string') this.#tidy();
  }

  #tidy(): void {
    if (this.#work?.over === true) this.#work = undefined;
  }
}

type Facts = Omit<PackedMail, 'text'> & ({ readonly text: string } | { readonly envelope: Envelope });

function factsOf(found: FoundMail): readonly [facts: Facts, content: Uint8Array | undefined] {
  const { packed } = found;
  if (packed !== undefined) return [packed, undefined];
  const { envelope, content } = found.mail;
  const { id, acceptedAt, reversePath, large, scheduling } = envelope;
  return [
    { id, acceptedAt, bounce: reversePath === '', large: large?.contentId, scheduling, envelope },
    content,
  ];
}

const compact = (open: readonly OpenState[]): OpenState | readonly OpenState[] =>
  open.length === 1 && open[0] !== undefined ? open[0] : open;

/** Stands for 0, which is too far away to be a small number. */
const now = -(2 ** 30);
const distance = (until: number): number => (until === 0 ? now : until - epoch);

export const earliestUntil = (opens: readonly OpenState[]): number =>
  opens.reduce((earliest, { until }) => Math.min(earliest, until), Infinity);
