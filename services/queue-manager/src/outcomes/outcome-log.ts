/**
 * The log lines by which a postmaster follows a mail: one for each outcome of an attempt, at info level, with the id that
 * stands in `250`, Received and DSN (DESIGN §6).
 */
import type { MailId, MailRecord } from '@postrider/mail';
import type { QueueMail } from '../mail/queue-mail.js';

/** Of a mail that waits for the postmaster: why, and the command that shows it. */
export const heldFacts = (mail: MailId, reason: string | undefined): object => ({
  mail,
  reason,
  look: `postrider queue show ${mail}`,
});

export interface OutcomeLine {
  readonly facts: object;
  readonly text: string;
}

/** Recipients named in one line; the count tells of all. */
const namedAtMost = 20;

/**
 * @param records of one conclusion about the mail
 * @param now milliseconds since the epoch
 * @returns a line for each record that is an attempt's outcome
 */
export function outcomeLines(
  mail: QueueMail,
  records: readonly MailRecord[],
  now: number,
): readonly OutcomeLine[] {
  return records.flatMap((record) => {
    if (!('attempt' in record)) return [];
    const { kind, recipients, attempt, diagnostic } = record;
    const named = recipients.slice(0, namedAtMost).map((index) => mail.forwardPath({ index }));
    const facts = {
      mail: mail.id,
      to: named.length === 1 ? named[0] : named,
      ...(recipients.length > named.length ? { recipients: recipients.length } : {}),
      ...(diagnostic?.remoteMta === undefined ? {} : { relay: diagnostic.remoteMta }),
      attempt,
      ...('until' in record ? { until: new Date(record.until).toISOString() } : {}),
      delay: now - mail.acceptedAt,
      dsn: diagnostic?.status,
      says: diagnostic?.text,
    };
    return [{ facts, text: kind }];
  });
}
