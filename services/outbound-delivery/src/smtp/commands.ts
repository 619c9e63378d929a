/**
 * MAIL and RCPT with the parameters that a server takes (RFC 5321 §4.1.1.2, §4.1.1.3). One whose extension it does not
 * offer is left out: where the mail can't do without, trouble.ts has kept it away.
 */
import type { Notify } from '@postrider/mail';
import type { Job, JobRecipient } from '@postrider/protocol';
import { isAscii, printXtext, utf8AddressUnitext, utf8AddressXtext } from '@postrider/smtp';
import type { Offer } from './offer.js';

/** @param scheduling its parameters, from scheduling-parameters.ts: they depend on the time */
export function mailCommand(envelope: Job['envelope'], offer: Offer, scheduling = ''): string {
  const { reversePath, sizeInOctets, body, dsn, submitter } = envelope;
  return (
    `MAIL FROM:<${reversePath}>` +
    // RFC 1870 §3
    (offer.size ? ` SIZE=${sizeInOctets}` : '') +
    // RFC 6152 §2
    (body === '8BITMIME' && offer.eightBit ? ' BODY=8BITMIME' : '') +
    // RFC 3030 §3
    (body === 'BINARYMIME' ? ' BODY=BINARYMIME' : '') +
    // RFC 3461 §5.2.1 (a), (b): as they were given, and not at all otherwise.
    (offer.dsn && dsn?.ret !== undefined ? ` RET=${dsn.ret}` : '') +
    (offer.dsn && dsn?.envid !== undefined ? ` ENVID=${printXtext(dsn.envid)}` : '') +
    (offer.smtputf8 && asksUtf8(envelope) ? ' SMTPUTF8' : '') +
    // RFC 4954 §5; AUTH=<> is for servers to which one has authenticated, as we do to none.
    (offer.auth && submitter !== undefined ? ` AUTH=${printXtext(submitter)}` : '') +
    // RFC 8689 §4.2.1; §5 for a bounce, which goes on in any case.
    (envelope.requireTls === true && offer.requireTls && offer.tls !== 'none' ? ' REQUIRETLS' : '') +
    `${scheduling}\r\n`
  );
}

/** RFC 6531 §3.4: as it came, since parts of the content may need it that nobody has looked at; or an alias does. */
const asksUtf8 = (envelope: Job['envelope']): boolean =>
  envelope.smtputf8 !== undefined || needsUtf8(envelope);

/** It can't go without SMTPUTF8 (RFC 6531 §3.2). */
export const needsUtf8 = ({ smtputf8, reversePath, recipients }: Job['envelope']): boolean =>
  smtputf8 === 'header' ||
  !isAscii(reversePath) ||
  !recipients.every(({ forwardPath }) => isAscii(forwardPath));

/** @param asksForDelays the server is to tell of delays, whatever the sender wants but NEVER (RFC 2852 §4.1.4.2) */
export function rcptCommand(
  recipient: Omit<JobRecipient, 'index'>,
  { dsn, smtputf8 }: Offer,
  asksForDelays = false,
): string {
  const { forwardPath, original, orcpt } = recipient;
  if (!dsn) return `RCPT TO:<${forwardPath}>\r\n`;
  const notify = asksForDelays ? withDelay(recipient.notify) : recipient.notify;
  // RFC 3461 §5.2.1 (d): one may be added, of the address that the client gave.
  const whom =
    orcpt ?? (original === undefined ? undefined : `${isAscii(original) ? 'rfc822' : 'utf-8'};${original}`);
  return (
    `RCPT TO:<${forwardPath}>` +
    (notify === undefined ? '' : ` NOTIFY=${notify.join(',')}`) +
    (whom === undefined ? '' : ` ORCPT=${typedXtext(whom, smtputf8)}`) +
    '\r\n'
  );
}

const withDelay = (notify: readonly Notify[] = ['FAILURE']): readonly Notify[] =>
  notify.includes('NEVER') || notify.includes('DELAY') ? notify : [...notify, 'DELAY'];

/** addr-type ";" xtext (RFC 3461 §4.2), or the form of RFC 6533 §3 that the server takes. */
function typedXtext(orcpt: string, smtputf8: boolean): string {
  const semicolon = orcpt.indexOf(';');
  const type = orcpt.slice(0, semicolon);
  const utf8 = smtputf8 ? utf8AddressUnitext : utf8AddressXtext;
  return `${type};${(type.toLowerCase() === 'utf-8' ? utf8 : printXtext)(orcpt.slice(semicolon + 1))}`;
}
