/**
 * Delivery status notifications: multipart/report (RFC 6522) of three parts - text for people, message/delivery-status
 * (RFC 3464), the header section of the mail it is about.
 */
import type { Diagnostic } from './delivery-record.js';
import { dateTime } from './date-time.js';
import type { MailId } from './mail-id.js';
import type { Envelope, MailObject } from './mail-object.js';

export interface DsnRecipient {
  readonly finalRecipient: string;
  readonly originalRecipient?: string;
  readonly action: 'failed' | 'delayed';
  readonly diagnostic: Diagnostic;
  /** Milliseconds since the epoch; for `delayed`. */
  readonly willRetryUntil?: number;
  readonly lastAttemptAt?: number;
}

export interface DsnOptions {
  /** Derived from the cause, so that a replay makes the same DSN. */
  readonly id: MailId;
  readonly cause: Envelope;
  /** The content of the cause from its beginning, at least its header section where that is short. */
  readonly originalHeaders: Uint8Array;
  readonly recipients: readonly [DsnRecipient, ...DsnRecipient[]];
  readonly hostname: string;
  /** For the text, an address. */
  readonly postmaster: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A header section longer than this is cut: enough for any that people write, and a DSN stays small. */
const headersLimit = 64 * 1024;

/** @throws for a null reverse-path: no DSN is ever sent about one (RFC 5321 §4.5.5, RFC 3464 §2) */
export function buildDsn(options: DsnOptions): MailObject {
  const { id, cause, at } = options;
  if (cause.reversePath === '') throw new Error(`no DSN about ${cause.id}: its reverse-path is null`);
  const headers = headerSection(options.originalHeaders);
  const content = Buffer.concat([
    Buffer.from(
      lines(dsnHeader(options), textPart(options), statusPart(options), headersHead(options)),
      'utf8',
    ),
    headers,
    Buffer.from(`\r\n--${boundary(id)}--\r\n`),
  ]);
  return {
    envelope: {
      id,
      reversePath: '',
      recipients: [{ forwardPath: cause.reversePath }],
      body: content.some((octet) => octet > 127) ? '8BITMIME' : '7BIT',
      sizeInOctets: content.length,
      acceptedAt: at,
      client: { address: '127.0.0.1', helo: options.hostname, protocol: 'LOCAL' },
      listener: 'local',
      bornOf: cause.id,
    },
    content,
  };
}

const boundary = (id: MailId): string => `=_dsn_${id}`;
const lines = (...groups: readonly (readonly string[])[]): string =>
  groups
    .flat()
    .map((line) => `${line}\r\n`)
    .join('');

function dsnHeader({ id, cause, recipients, hostname, at }: DsnOptions): readonly string[] {
  const delayed = recipients.every(({ action }) => action === 'delayed');
  return [
    `Date: ${dateTime(at)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
    `To: <${clean(cause.reversePath)}>`,
    `Subject: ${delayed ? 'Delivery delayed: your mail is still being tried' : 'Undelivered mail returned to sender'}`,
    `Message-ID: <${id}@${hostname}>`,
    // RFC 3834 §3.1.7: nobody's vacation program may answer this.
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary(id)}"`,
    '',
    'This is a delivery status notification in MIME format.',
    '',
  ];
}

function textPart({ id, cause, recipients, hostname, postmaster }: DsnOptions): readonly string[] {
  const failed = recipients.filter(({ action }) => action === 'failed');
  const delayed = recipients.filter(({ action }) => action === 'delayed');
  return [
    `--${boundary(id)}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    `This is the mail system at ${hostname}.`,
    '',
    ...(failed.length === 0 ? [] : ['Your mail could not be delivered to:', '', ...failed.flatMap(reason)]),
    ...(delayed.length === 0
      ? []
      : [
          'Your mail has not been delivered yet to the following. You need not send it again:',
          'it is tried until it arrives or is returned to you.',
          '',
          ...delayed.flatMap(reason),
        ]),
    `The mail's id here is ${cause.id}. Questions: ${postmaster}, with this notification.`,
    '',
  ];
}

function reason({ finalRecipient, originalRecipient, diagnostic }: DsnRecipient): readonly string[] {
  const expanded = originalRecipient === undefined ? '' : ` (from ${clean(originalRecipient)})`;
  const said = diagnostic.remoteMta === undefined ? '' : `${clean(diagnostic.remoteMta)} said: `;
  return [`  <${clean(finalRecipient)}>${expanded}`, `    ${said}${clean(diagnostic.text)}`, ''];
}

/** RFC 3464 §2: per-message fields, then a group for each recipient. */
function statusPart({ id, cause, recipients, hostname }: DsnOptions): readonly string[] {
  return [
    `--${boundary(id)}`,
    'Content-Type: message/delivery-status',
    '',
    `Reporting-MTA: dns; ${hostname}`,
    `X-Postrider-Mail-Id: ${cause.id}`,
    `Arrival-Date: ${dateTime(cause.acceptedAt)}`,
    '',
    ...recipients.flatMap((recipient) => [...recipientFields(recipient), '']),
  ];
}

function recipientFields(recipient: DsnRecipient): readonly string[] {
  const { finalRecipient, originalRecipient, action, diagnostic, lastAttemptAt, willRetryUntil } = recipient;
  const { remoteMta, status, text } = diagnostic;
  return [
    ...(originalRecipient === undefined ? [] : [`Original-Recipient: rfc822; ${clean(originalRecipient)}`]),
    `Final-Recipient: rfc822; ${clean(finalRecipient)}`,
    `Action: ${action}`,
    `Status: ${status}`,
    // RFC 3464 §2.3.5 and §2.3.6: 'smtp' only for what a server said; our own reasons are extension types.
    ...(remoteMta === undefined ? [] : [`Remote-MTA: dns; ${clean(remoteMta)}`]),
    ...folded(`Diagnostic-Code: ${remoteMta === undefined ? 'x-postrider' : 'smtp'}; ${clean(text)}`),
    ...(lastAttemptAt === undefined ? [] : [`Last-Attempt-Date: ${dateTime(lastAttemptAt)}`]),
    ...(willRetryUntil === undefined ? [] : [`Will-Retry-Until: ${dateTime(willRetryUntil)}`]),
  ];
}

const headersHead = ({ id }: DsnOptions): readonly string[] => [
  `--${boundary(id)}`,
  'Content-Type: text/rfc822-headers; charset=utf-8',
  'Content-Transfer-Encoding: 8bit',
  '',
];

/** Up to the empty line, whole lines only. */
function headerSection(content: Uint8Array): Uint8Array {
  const start = Buffer.from(content.buffer, content.byteOffset, Math.min(content.byteLength, headersLimit));
  const end = start.indexOf('\r\n\r\n');
  if (end !== -1) return start.subarray(0, end + 2);
  return start.subarray(0, start.lastIndexOf('\r\n') + 2);
}

/** One line without control characters: what a peer said can't begin a field or a part of its own. */
function clean(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 900);
}

/** RFC 5322 §2.2.3: at spaces, lines of 78. */
function folded(field: string): readonly string[] {
  const folds: string[] = [];
  let line = '';
  for (const word of field.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > 78) {
      folds.push(line);
      line = ` ${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...folds, line].filter((text) => text.trim() !== '');
}
