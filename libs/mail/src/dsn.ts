/**
 * Delivery status notifications: multipart/report (RFC 6522) of three parts - text for people, message/delivery-status
 * (RFC 3464), the mail it is about or its header section. The same options give the same octets, so that a replay
 * makes the same DSN.
 */
import { dateTime } from './date-time.js';
import type { Diagnostic } from './delivery-record.js';
import { deliveryStatus } from './delivery-status.js';
import { dsnText } from './dsn-text.js';
import { asksForNoTls, headerSection, messageIdOf } from './header-section.js';
import type { MailId } from './mail-id.js';
import type { Envelope, MailObject } from './mail-object.js';
import { asciiLine, asciiOrUtf8 } from './printable.js';
import { is8bit, isUtf8Report, reportForms } from './report-forms.js';

/** RFC 3464 §2.3.3 */
export type DsnAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

export interface DsnRecipient {
  readonly finalRecipient: string;
  /** What the client gave, where that was another address: an alias. */
  readonly alias?: string;
  /** ORCPT of the sender, decoded: `rfc822;address` (RFC 3461 §6.3 (d)). */
  readonly originalRecipient?: string;
  readonly action: DsnAction;
  readonly diagnostic: Diagnostic;
  /** Milliseconds since the epoch; for `delayed`. */
  readonly willRetryUntil?: number;
  readonly lastAttemptAt?: number;
}

export interface DsnOptions {
  /** Derived from the cause, so that a replay makes the same DSN. */
  readonly id: MailId;
  readonly cause: Envelope;
  /** The content of the cause from its beginning: its header section goes back, or all of it. */
  readonly original: Uint8Array;
  /** `original` is the whole content, and goes back as it is (RFC 3461 §4.3). */
  readonly whole?: boolean;
  readonly recipients: readonly [DsnRecipient, ...DsnRecipient[]];
  readonly hostname: string;
  /** For the text, an address; '' = postmaster at the host name. */
  readonly postmaster: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** @throws for a null reverse-path: no DSN is ever sent about one (RFC 5321 §4.5.5, RFC 3464 §2) */
export function buildDsn(options: DsnOptions): MailObject {
  const { id, cause, hostname, at } = options;
  if (cause.reversePath === '') throw new Error(`no DSN about ${cause.id}: its reverse-path is null`);
  const content = dsnContent(options);
  const priority = cause.scheduling?.priority;
  return {
    envelope: {
      id,
      reversePath: '',
      recipients: [{ forwardPath: cause.reversePath }],
      body: is8bit(content) ? '8BITMIME' : '7BIT',
      sizeInOctets: content.length,
      acceptedAt: at,
      client: { address: '127.0.0.1', helo: hostname, protocol: 'LOCAL' },
      listener: 'local',
      // RFC 8689 §5
      ...(cause.requireTls === true ? { requireTls: true as const } : {}),
      ...(isUtf8Report(cause) ? { smtputf8: 'header' as const } : {}),
      bornOf: cause.id,
      // RFC 6710 §4.6
      ...(priority === undefined ? {} : { scheduling: { priority } }),
    },
    content,
  };
}

function dsnContent(options: DsnOptions): Buffer {
  const section = headerSection(options.original);
  const returned = options.whole === true ? options.original : section;
  const text = octets(dsnText(options));
  const status = octets(deliveryStatus(options));
  const forms = reportForms(options, { status, returned });
  const boundary = boundaryOutside(returned, options.id);
  const encoding = is8bit(text) || is8bit(status) || is8bit(forms.returned) ? '8bit' : '7bit';
  return Buffer.concat([
    octets([...dsnHeader(options, section), ...contentFields(boundary, encoding)]),
    ...part(boundary, `text/plain; charset=utf-8`, text),
    ...part(boundary, forms.statusType, status),
    ...part(boundary, forms.returnedType, forms.returned, forms.encoding),
    octets(['', `--${boundary}--`]),
  ]);
}

function dsnHeader(
  { id, cause, recipients, hostname, at }: DsnOptions,
  section: Uint8Array,
): readonly string[] {
  const host = asciiLine(hostname);
  const messageId = messageIdOf(section);
  return [
    `Date: ${dateTime(at)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${host}>`,
    `To: <${asciiOrUtf8(cause.reversePath)}>`,
    `Subject: ${subjectOf(recipients)}`,
    `Message-ID: <${id}@${host}>`,
    // RFC 8689 §6: what its author asks of the way there holds for the way back.
    ...(cause.requireTls !== true && asksForNoTls(section) ? ['TLS-Required: No'] : []),
    // RFC 3834 §3.1.6.
    ...(messageId === undefined ? [] : [`In-Reply-To: ${messageId}`, `References: ${messageId}`]),
    // RFC 3834 §3.1.7: nobody's vacation program may answer this.
    'Auto-Submitted: auto-replied',
  ];
}

function subjectOf(recipients: readonly DsnRecipient[]): string {
  const has = (action: DsnAction): boolean => recipients.some((recipient) => recipient.action === action);
  if (has('failed')) return 'Undelivered mail returned to sender';
  if (has('delayed')) return 'Delivery delayed: your mail is still being tried';
  return has('relayed') ? 'Your mail has been passed on' : 'Your mail has been delivered';
}

const contentFields = (boundary: string, encoding: '7bit' | '8bit'): readonly string[] => [
  'MIME-Version: 1.0',
  'Content-Type: multipart/report; report-type=delivery-status;',
  ` boundary="${boundary}"`,
  // RFC 2045 §6.4: as much as the parts need.
  `Content-Transfer-Encoding: ${encoding}`,
  '',
  'This is a delivery status notification in MIME format.',
];

const part = (
  boundary: string,
  type: string,
  content: Uint8Array,
  encoding = is8bit(content) ? '8bit' : '7bit',
): readonly Uint8Array[] => [
  octets([
    '',
    `--${boundary}`,
    `Content-Type: ${type}`,
    ...(encoding === '7bit' ? [] : [`Content-Transfer-Encoding: ${encoding}`]),
    '',
  ]),
  content,
];

/** RFC 2046 §5.1.1: in none of the parts. Only the third has lines that are not ours from their beginning. */
function boundaryOutside(section: Uint8Array, id: MailId): string {
  const text = Buffer.from(section.buffer, section.byteOffset, section.byteLength).toString('latin1');
  let boundary = `=_dsn_${id}`;
  while (text.includes(`--${boundary}`)) boundary += '_';
  return boundary;
}

const octets = (lines: readonly string[]): Buffer =>
  Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'utf8');
