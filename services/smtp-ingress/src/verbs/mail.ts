/**
 * mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
 * Begins a transaction (RFC 5321 §4.1.1.2). Without room for its mail it is refused here, before anything is sent.
 */
import { isFullyQualified } from '@postrider/mail';
import { isAscii, parseMailArguments, reply, type Reply } from '@postrider/smtp';
import { mailParameters } from '../extensions.js';
import { loweredPriority } from '../scheduling-parameters.js';
import { noRoom, notFullyQualified, tooManyMails, spoolAway, syntaxError } from '../session/replies.js';
import { mayUse } from '../auth/listener-auth.js';
import { defineVerb, type SessionFacts } from './verb.js';

/** RFC 6531 §3.5 */
const notAsciiSender = reply(550, '5.6.7', 'An address that is not US-ASCII needs SMTPUTF8');
const senderOk = reply(250, '2.1.0', 'Sender ok');

export const mail = defineVerb({
  name: 'MAIL',
  syntax:
    'MAIL FROM:<reverse-path> [SIZE=octets] [BODY=7BIT|8BITMIME|BINARYMIME] [AUTH=mailbox] [RET=FULL|HDRS] [ENVID=xtext] [SMTPUTF8] [REQUIRETLS] [HOLDFOR=seconds] [HOLDUNTIL=time] [BY=seconds;N|R[T]] [MT-PRIORITY=-9...9]',
  allowedIn: ['ready'],
  replies: [250, 552, 554, 451, 452, 550, 553, 503, 455, 555],
  lastInGroup: false,
  act(argument, { client }, facts) {
    const { ingress, auth, identity, address } = facts;
    if (auth?.required && !identity) return { reply: authFirst(facts) };
    if (!facts.clients.counts(address, 'mails')) return { reply: tooManyMails };
    const parsed = parseMailArguments(argument);
    if (!parsed.ok) return { reply: syntaxError(parsed, '5.1.7') };
    const parameters = mailParameters(parsed.value.parameters, client, facts);
    const { reversePath } = parsed.value;
    if ('refused' in parameters) return { reply: parameters.refused, about: reversePath };
    if (!isAscii(argument) && parameters.smtputf8 === undefined)
      return { reply: notAsciiSender, about: reversePath };
    const refused = reversePath === '' ? undefined : senderRefused(reversePath, facts);
    if (refused) return { reply: refused, about: reversePath };
    const room = ingress.writer.room();
    if (room !== 'ok') return { reply: room === 'full' ? noRoom : spoolAway, about: reversePath };
    const transaction = { ...parameters, reversePath };
    const lowered = loweredPriority(parsed.value.parameters, parameters);
    return { reply: lowered ?? senderOk, state: { name: 'mail', client, transaction } };
  },
});

function senderRefused(reversePath: string, facts: SessionFacts): Reply | undefined {
  // RFC 6409 §6.1
  if (!mayUse(reversePath, facts)) return reply(550, '5.7.1', `Sender <${reversePath}> is not yours`);
  const domain = reversePath.slice(reversePath.lastIndexOf('@') + 1);
  return facts.role.submission && !isFullyQualified(domain, facts.ingress.settings.relay)
    ? notFullyQualified(domain, '5.1.8')
    : undefined;
}

/** RFC 4954 §6, RFC 3207 §4: 530 for either. */
const authFirst = ({ tls, auth, offersTls }: SessionFacts): Reply =>
  offersTls && !tls && auth?.withoutTls === false
    ? reply(530, '5.7.0', 'Must issue a STARTTLS command first')
    : reply(530, '5.7.0', 'Authentication required');
