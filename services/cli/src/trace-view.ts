/** One mail's story as text. Pure: the time is given. */
import type { MailId } from '@postrider/mail';
import type { EventRecord, QueuedMail } from '@postrider/protocol';
import { eventLine, facts } from './event-lines.js';
import { fewOf, recipientLines, waits } from './queue-views.js';
import { clockTime, elapsed, table } from './table.js';

export interface Trace {
  readonly id: MailId;
  readonly events: readonly EventRecord[];
  /** While it waits: who holds it, why, until when. */
  readonly mail?: QueuedMail;
  /** A large envelope is split: those of its parts that wait. */
  readonly parts?: readonly QueuedMail[];
}

/** The mail that an event is about, also when it tells of a part of it (`ID-1`). */
export const wholeOf = (mail: MailId): MailId => mail.replace(/-.*$/, '');

/** Events of the mail, and of its parts when a large envelope was split. */
export const aboutMail = (record: EventRecord, id: MailId): boolean =>
  record.mail === id || (record.mail?.startsWith(`${id}-`) ?? false);

/** Ids of DSNs that this event tells of. */
export function dsnsIn(record: EventRecord): readonly MailId[] {
  const dsn = record['dsn'];
  return record.event === 'bounced' && typeof dsn === 'string' ? [dsn] : [];
}

/** Is the address its sender or one of its recipients, or an alias that led to one? */
export function mentions(record: EventRecord, address: string): boolean {
  const wanted = address.toLowerCase();
  const { reversePath, to, recipient, alias } = record;
  return [
    reversePath,
    to,
    recipient,
    alias,
    ...textsIn(record['recipients']),
    ...textsIn(record['given']),
  ].some((value) => typeof value === 'string' && value.toLowerCase() === wanted);
}

const textsIn = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

/** By time; of one millisecond in the order in which one follows from the other. */
export const inOrder = (events: readonly EventRecord[]): readonly EventRecord[] =>
  events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at) || rank(a) - rank(b));

function rank({ event }: EventRecord): number {
  const place = ['accepted', 'queued'].indexOf(event);
  return place === -1 ? (event === 'bounced' ? 3 : 2) : place;
}

/**
 * A line an event: time, since acceptance, service, what. A DSN's events are indented below the mail's.
 * @param address that is looked for, if one is
 */
export function traceText({ id, events, mail, parts = [] }: Trace, now: number, address?: string): string {
  const start = Date.parse(events[0]?.at ?? new Date(now).toISOString());
  const rows = events.map((record) => [
    clockTime(Date.parse(record.at), now),
    `+${elapsed(Date.parse(record.at) - start)}`,
    record.service,
    record.event,
    `${record.mail !== undefined && !aboutMail(record, id) ? `  DSN ${record.mail}: ` : ''}${facts(brief(record, address), now)}`,
  ]);
  const held = [...(mail === undefined ? [] : [mail]), ...parts];
  return [`mail ${id}`, table(rows), ...stateLines(held, now, address)]
    .filter((part) => part !== '')
    .join('\n');
}

/** Of hundreds of recipients a few. */
function brief(record: EventRecord, address: string | undefined): EventRecord {
  const few = (value: unknown): unknown => (Array.isArray(value) ? fewOf(textsIn(value), address) : value);
  const { recipients, sites } = record;
  return {
    ...record,
    ...(recipients === undefined ? {} : { recipients: few(recipients) }),
    ...(Array.isArray(sites) ? { sites: sites.map((site: unknown) => withRecipients(site, few)) } : {}),
  };
}

const withRecipients = (site: unknown, few: (value: unknown) => unknown): unknown =>
  typeof site === 'object' && site !== null && 'recipients' in site
    ? { ...site, recipients: few(site.recipients) }
    : site;

function stateLines(mails: readonly QueuedMail[], now: number, address?: string): readonly string[] {
  const waiting = mails.filter(({ recipients }) => recipients.some(waits));
  if (waiting.length === 0) return ['now: nothing of it waits here any more'];
  return waiting.flatMap(({ id, shard, owner, recipients }) => [
    ...recipientLines(recipients, now, address).map((line) => `now: ${line}`),
    `in the hands of ${owner} (shard ${shard})`,
    ...(recipients.some(({ state }) => state.state === 'held')
      ? [`held until 'postrider queue release ${id}' or 'postrider queue delete ${id} --yes'`]
      : []),
  ]);
}

/** What happened to an address before there was a mail: refusals, expansions. */
export const besidesText = (events: readonly EventRecord[], now: number): string =>
  ['of no one mail', ...events.map((record) => eventLine(record, now))].join('\n');
