/**
 * MAIL and RCPT with the parameters that a server takes (RFC 5321 §4.1.1.2, §4.1.1.3). One whose extension it does not
 * offer is left out: where the mail can't do without, trouble.ts has kept it away.
 */
import type { Job, JobRecipient } from '@postrider/protocol';
import { printXtext } from '@postrider/smtp';
import type { Offer } from './offer.js';

/** @param scheduling its parameters, from scheduling-parameters.ts: they depend on the time */
export function mailCommand(envelope: Job['envelope'], offer: Offer, scheduling = ''): string {
  const { reversePath, sizeInOctets, body, dsn } = envelope;
  return (
    `MAIL FROM:<${reversePath}>` +
    // RFC 1870 §3
    (offer.size ? ` SIZE=${sizeInOctets}` : '') +
    // RFC 6152 §2
    (body === '8BITMIME' && offer.eightBit ? ' BODY=8BITMIME' : '') +
    // RFC 3461 §5.2.1 (a), (b): as they were given, and not at all otherwise.
    (offer.dsn && dsn?.ret !== undefined ? ` RET=${dsn.ret}` : '') +
    (offer.dsn && dsn?.envid !== undefined ? ` ENVID=${printXtext(dsn.envid)}` : '') +
    `${scheduling}\r\n`
  );
}

export function rcptCommand(recipient: Omit<JobRecipient, 'index'>, { dsn }: Offer): string {
  const { forwardPath, original, notify, orcpt } = recipient;
  if (!dsn) return `RCPT TO:<${forwardPath}>\r\n`;
  // RFC 3461 §5.2.1 (d): one may be added, of the address that the client gave.
  const whom = orcpt ?? (original === undefined ? undefined : `rfc822;${original}`);
  return (
    `RCPT TO:<${forwardPath}>` +
    (notify === undefined ? '' : ` NOTIFY=${notify.join(',')}`) +
    (whom === undefined ? '' : ` ORCPT=${typedXtext(whom)}`) +
    '\r\n'
  );
}

/** addr-type ";" xtext (RFC 3461 §4.2) */
function typedXtext(orcpt: string): string {
  const semicolon = orcpt.indexOf(';');
  return `${orcpt.slice(0, semicolon)};${printXtext(orcpt.slice(semicolon + 1))}`;
}
