/** The receiver for a mail that begins: its trace field, its limits, and what a submitted mail may lack. */
import { largeContentInOctets } from '@postrider/spool';
import { isAscii, reply, type Reply } from '@postrider/smtp';
import { mayUse } from '../auth/listener-auth.js';
import type { StateNamed } from '../session/session-state.js';
import { protocolOf } from '../session/with-keyword.js';
import type { SessionFacts } from '../verbs/verb.js';
import { ContentReceiver, type ContentOptions } from './content-receiver.js';
import { authorsOf, holdsHeader, missingFields, problemOfFrom, type NewMail } from './missing-fields.js';
import { traceField } from './trace-field.js';

export function newContent(
  state: StateNamed<'rcpt'>,
  facts: SessionFacts,
  { framing, place }: Required<Pick<ContentOptions, 'framing' | 'place'>>,
): ContentReceiver {
  const { ingress, limits, role, auth, identity } = facts;
  const ownsSenders = identity !== undefined && auth?.owned === true;
  const id = ingress.newMailId();
  return new ContentReceiver({
    id,
    framing,
    place,
    traceField: traceOf(state, facts, id) + fieldsOf(state),
    limits,
    ...(role.submission || ownsSenders
      ? { complete: (beginning) => completed(beginning, mailOf(state, facts, id), facts) }
      : {}),
    heldInOctets: largeContentInOctets,
    ...(state.transaction.smtputf8 === undefined ? {} : { smtputf8: true }),
    budget: ingress.budget,
    beginLarge: (contentId) => ingress.writer.beginLarge(contentId),
  });
}

/** By access rules. */
function fieldsOf({ forwardPaths }: StateNamed<'rcpt'>): string {
  const fields = new Set(forwardPaths.flatMap(({ field }) => field ?? []));
  return [...fields].map((field) => `${field}\r\n`).join('');
}

function traceOf(
  { client, transaction, forwardPaths }: StateNamed<'rcpt'>,
  facts: SessionFacts,
  id: string,
): string {
  const { priority } = transaction.scheduling ?? {};
  const { ingress, address, tls, identity, role } = facts;
  // RFC 6531 §3.7.3: a trace field in US-ASCII can go everywhere.
  const onlyOne =
    forwardPaths.length === 1 && isAscii(forwardPaths[0].given) ? { forwardPath: forwardPaths[0].given } : {};
  return traceField({
    helo: client.helo,
    address,
    hostname: ingress.settings.hostname,
    protocol: protocolOf(client, facts, transaction),
    id,
    at: ingress.clock.now(),
    ...(identity && role.submission ? { identity: identity.name } : {}),
    ...(tls ? { tlsCipher: tls.cipher } : {}),
    ...(priority === undefined ? {} : { priority }),
    ...onlyOne,
  });
}

/** What a header section may have that is looked at; a content gathers as much before it is given on. */
const headerInOctets = 64 * 1024;
const headerTooLarge = reply(552, '5.3.4', `Header section is larger than ${headerInOctets} octets`);

const mailOf = ({ transaction }: StateNamed<'rcpt'>, { ingress }: SessionFacts, id: string): NewMail => ({
  id,
  hostname: ingress.settings.hostname,
  at: ingress.clock.now(),
  sender: transaction.reversePath,
});

/**
 * RFC 6409 §8; elsewhere the mail of who has authenticated is looked at, and stays as it is. Departs from RFC 6409 §4.2:
 * domains in To, Cc and the like need not be fully qualified as those of the envelope are, since nothing is sent by
 * them, and a mail is more to its reader than they are.
 */
function completed(beginning: Buffer, mail: NewMail, facts: SessionFacts): string | Reply {
  // What was not seen could not be checked.
  if (beginning.length >= headerInOctets && !holdsHeader(beginning)) return headerTooLarge;
  const others = authorsOf(beginning).find((author) => !mayUse(author, facts));
  // RFC 6409 §6.1
  if (others !== undefined)
    return reply(550, '5.7.1', `From or Sender names <${others}>, which is not yours`);
  if (!facts.role.submission) return '';
  const problem = problemOfFrom(beginning, mail);
  return problem === undefined ? missingFields(beginning, mail) : reply(554, '5.6.0', problem);
}
