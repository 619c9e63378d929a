/** The second part of a DSN, message/delivery-status (RFC 3464 §2): fields about the mail, then about each recipient. */
import { dateTime } from './date-time.js';
import type { DsnOptions, DsnRecipient } from './dsn.js';
import type { Scheduling } from './scheduling.js';
import { asciiLine, asciiOrUtf8, folded } from './printable.js';
import { isUtf8Report } from './report-forms.js';

/** @returns lines; US-ASCII, as RFC 3464 §2.1 wants them; UTF-8 to an address in it (RFC 6533 §4.1) */
export function deliveryStatus({ cause, recipients, hostname }: DsnOptions): readonly string[] {
  return [
    // RFC 3464 §2.2.1
    ...(cause.dsn?.envid === undefined ? [] : folded(`Original-Envelope-Id: ${asciiLine(cause.dsn.envid)}`)),
    `Reporting-MTA: dns; ${asciiLine(hostname)}`,
    `X-Postrider-Mail-Id: ${cause.id}`,
    `Arrival-Date: ${dateTime(cause.acceptedAt)}`,
    ...schedulingFields(cause.scheduling),
    ...recipients.flatMap((recipient) => ['', ...recipientFields(recipient, isUtf8Report(cause))]),
  ];
}

/** RFC 2852 §5, RFC 4865 §5.1.2 */
const schedulingFields = ({ deliverBy, release }: Scheduling = {}): readonly string[] => [
  ...(deliverBy === undefined ? [] : [`Deliver-by-date: ${dateTime(deliverBy.at)}`]),
  ...(release === undefined ? [] : [`Future-Release-Request: ${asciiLine(release.asked)}`]),
];

function recipientFields(recipient: DsnRecipient, utf8: boolean): readonly string[] {
  const { finalRecipient, originalRecipient, action, diagnostic, lastAttemptAt, willRetryUntil } = recipient;
  const { remoteMta, text } = diagnostic;
  return [
    ...(originalRecipient === undefined ? [] : [`Original-Recipient: ${asSent(originalRecipient, utf8)}`]),
    `Final-Recipient: ${typedAddress(finalRecipient, utf8)}`,
    `Action: ${action}`,
    `Status: ${statusOf(recipient)}`,
    // RFC 3464 §2.3.5 and §2.3.6: 'smtp' only for what a server said; our own reasons are of an extension type.
    ...(remoteMta === undefined ? [] : folded(`Remote-MTA: dns; ${asciiLine(remoteMta)}`)),
    ...folded(`Diagnostic-Code: ${remoteMta === undefined ? 'x-postrider' : 'smtp'}; ${asciiLine(text)}`),
    ...(lastAttemptAt === undefined ? [] : [`Last-Attempt-Date: ${dateTime(lastAttemptAt)}`]),
    // RFC 3464 §2.3.9: about delayed recipients only.
    ...(willRetryUntil === undefined || action !== 'delayed'
      ? []
      : [`Will-Retry-Until: ${dateTime(willRetryUntil)}`]),
  ];
}

/** Type and address of ORCPT as the sender gave them (RFC 3461 §6.3 (d)). */
function asSent(orcpt: string, utf8: boolean): string {
  const semicolon = orcpt.indexOf(';');
  const [type, address] = [orcpt.slice(0, semicolon), orcpt.slice(semicolon + 1)];
  return /^(?:rfc822|utf-8)$/i.test(type)
    ? typedAddress(address, utf8)
    : `${asciiLine(type)}; ${asciiLine(address)}`;
}

/** RFC 3464 §2.3.4; a server may have answered with something that is no status code. */
const statusOf = ({ action, diagnostic: { status } }: DsnRecipient): string =>
  /^[245]\.(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2})$/.test(status)
    ? status
    : action === 'failed'
      ? '5.0.0'
      : action === 'delayed'
        ? '4.0.0'
        : '2.0.0';

/** RFC 3464 §2.3.2; in other scripts as utf-8-addr-xtext, which is US-ASCII (RFC 6533 §3). */
function typedAddress(address: string, utf8: boolean): string {
  if (/^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(address)) return `rfc822; ${address}`;
  // utf-8-address, where the report may hold it; nothing that would end the field.
  if (utf8 && !/[\p{C}\p{Z}]/u.test(address) && asciiOrUtf8(address) === address) return `utf-8; ${address}`;
  const escaped = (character: string): string =>
    `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}}`;
  return `utf-8; ${address.replaceAll(/[^\x21-\x7e]|[\\+=]/gu, escaped)}`;
}
