/** One mail's story as text. Pure: the time is given. */
import type { MailId } from '@postrider/mail';
import type { EventRecord, QueuedMail } from '@postrider/protocol';
import { facts } from './event-lines.js';
import { recipientText } from './queue-views.js';
import { clockTime, elapsed, table } from './table.js';

export interface Trace {
  readonly id: MailId;
  readonly events: readonly EventRecord[];
  /** While it waits: who holds it, why, until when. */
  readonly mail?: QueuedMail;
}

/** Events of the mail, and of its parts when a large envelope was split. */
export const aboutMail = (record: EventRecord, id: MailId): boolean =>
  record.mail === id || (record.mail?.startsWith(`${id}-`) ?? false);

/** Ids of DSNs that this event tells of. */
export function dsnsIn(record: EventRecord): readonly MailId[] {
  const dsn = record['dsn'];
  return record.event === 'bounced' && typeof dsn === 'string' ? [dsn] : [];
}

/** Is the address its sender or one of its recipients? */
export function mentions(record: EventRecord, address: string): boolean {
  const wanted = address.toLowerCase();
  const recipients = Array.isArray(record['recipients']) ? (record['recipients'] as unknown[]) : [];
  return [record['reversePath'], record['to'], ...recipients].some(
    (value) => typeof value === 'string' && value.toLowerCase() === wanted,
  );
}

/** A line an event: time, since acceptance, service, what. A DSN's events are indented below the mail's. */
export function traceText({ id, events, mail }: Trace, now: number): string {
  const start = Date.parse(events[0]?.at ?? new Date(now).toISOString());
  const rows = events.map((record) => [
    clockTime(Date.parse(record.at), now),
    `+${elapsed(Date.parse(record.at) - start)}`,
    record.service,
    record.event,
    `${record.mail !== undefined && !aboutMail(record, id) ? `  DSN ${record.mail}: ` : ''}${facts(record, now)}`,
  ]);
  return [`mail ${id}`, table(rows), stateLines(mail, events, now)].filter((part) => part !== '').join('\n');
}

function stateLines(mail: Trace['mail'], events: readonly EventRecord[], now: number): string {
  if (!mail) {
    const last = events.at(-1);
    return last ? 'now: nothing of it waits here any more' : '';
  }
  const lines = mail.recipients.map((recipient) => `now: ${recipientText(recipient, now)}`);
  return [...lines, `held by ${mail.owner} (shard ${mail.shard})`].join('\n');
}
