/**
 * Mail that does not come by SMTP (`postrider send`, sendmail): the same recipients' rules, as for a client that may
 * relay, the same commit, and the same events of what is refused, under the verb that SMTP would refuse.
 */
import type { Behaviour } from '@postrider/actor';
import type { smtpIngress, SubmitAnswer, SubmittedMail } from '@postrider/protocol';
import { DataScanner, isAscii, parseMailbox, reply, type Reply } from '@postrider/smtp';
import { commitMail } from './commit.js';
import type { MailFacts } from './content/envelope.js';
import { traceField } from './content/trace-field.js';
import type { Ingress } from './ingress.js';
import type { Rejection } from './events.js';
import { judgeRecipient, type AcceptedForwardPath } from './policy/recipients.js';
import { noRoom, spoolAway } from './session/replies.js';
import { endOfData } from './verbs/end-of-data.js';

type Rejected = { readonly forwardPath: string; readonly reply: Reply };

/** What the message may hold at most, since it travels in one request. */
const contentInOctets = 900 * 1024;
/** In the place of the client's address and the listener. */
const local = 'local';
/** CR without LF, LF without CR, NUL (RFC 5321 §2.3.8). */
const notCrlf = /\r(?!\n)|(?<!\r)\n|\0/;

export function submitBehaviour(ingress: Ingress): Behaviour<(typeof smtpIngress)['messages']> {
  return () => ({ handlers: { submit: (mail) => submit(mail, ingress) } });
}

async function submit(mail: SubmittedMail, ingress: Ingress): Promise<SubmitAnswer> {
  const refused = refusal(mail, ingress);
  if (refused) return refuse(refused, mail, ingress);
  const { accepted, rejected } = await judgeAll(mail.forwardPaths, ingress);
  for (const { forwardPath, reply } of rejected)
    tellRejection({ verb: 'RCPT', reply, recipient: forwardPath }, mail, ingress);
  const [first] = accepted;
  const [refusedFirst] = rejected;
  if (!first && refusedFirst) return { result: 'rejected', reply: refusedFirst.reply };
  if (!first) return refuse({ verb: 'DATA', reply: noRecipients }, mail, ingress);
  const id = ingress.newMailId();
  const only = accepted.length === 1 && isAscii(first.given) ? { forwardPath: first.given } : {};
  const content = [trace(mail.user, id, ingress, only), mail.content, lastLineEnd(mail.content)];
  const facts = {
    id,
    reversePath: mail.reversePath,
    body: '8BITMIME' as const,
    ...utf8Of(mail, accepted),
    sizeInOctets: content.reduce((sum, piece) => sum + piece.length, 0),
    acceptedAt: ingress.clock.now(),
    client: { address: local, helo: mail.user, protocol: 'LOCAL' as const },
    listener: local,
  };
  const committed = await commitMail({ facts, accepted, stored: { place: 'memory', content } }, ingress);
  return committed.reply.code === 250
    ? { result: 'accepted', id, rejected }
    : refuse({ verb: endOfData.name, reply: committed.reply }, mail, ingress);
}

type Refused = Pick<Rejection, 'verb' | 'reply' | 'recipient'>;

function refuse(refused: Refused, mail: SubmittedMail, ingress: Ingress): SubmitAnswer {
  tellRejection(refused, mail, ingress);
  return { result: 'rejected', reply: refused.reply };
}

function tellRejection(
  refused: Refused,
  { user, reversePath }: SubmittedMail,
  { counts, events }: Ingress,
): void {
  counts.rejected++;
  events.rejected({ client: local, helo: user, listener: local, reversePath, ...refused });
}

/** Local programs can't say SMTPUTF8: an address that needs it does. */
function utf8Of(
  { reversePath, content }: SubmittedMail,
  accepted: readonly AcceptedForwardPath[],
): Pick<MailFacts, 'smtputf8'> {
  const paths = accepted.flatMap(({ recipients }) => recipients.map(({ forwardPath }) => forwardPath));
  if ([reversePath, ...paths].every(isAscii)) return {};
  const scanner = new DataScanner(() => undefined, { framing: 'chunks' });
  scanner.scan(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  return { smtputf8: scanner.eightBitHeader ? 'header' : 'asked' };
}

const noRecipients = reply(554, '5.5.1', 'No valid recipients');
const badLines = reply(554, '5.6.0', 'Lines of the message must end with CRLF, and NUL is not allowed');

function refusal(
  { reversePath, content }: SubmittedMail,
  { writer, settings }: Ingress,
): Refused | undefined {
  if (reversePath !== '' && !parseMailbox(reversePath))
    return {
      verb: 'MAIL',
      reply: reply(501, '5.1.7', `Sender must be local-part@domain: <${reversePath}>`),
    };
  if (content.length > Math.min(contentInOctets, settings.limits.message_size))
    return {
      verb: endOfData.name,
      reply: reply(552, '5.3.4', 'Message is larger than what is taken here'),
    };
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
  if (notCrlf.test(text)) return { verb: endOfData.name, reply: badLines };
  const room = writer.room();
  return room === 'ok' ? undefined : { verb: 'MAIL', reply: room === 'full' ? noRoom : spoolAway };
}

async function judgeAll(
  forwardPaths: readonly string[],
  ingress: Ingress,
): Promise<{ accepted: readonly AcceptedForwardPath[]; rejected: readonly Rejected[] }> {
  const accepted: AcceptedForwardPath[] = [];
  const rejected: Rejected[] = [];
  for (const forwardPath of forwardPaths) {
    const mailbox = parseMailbox(forwardPath);
    if (!mailbox) {
      const malformed = reply(501, '5.1.3', `Recipient must be local-part@domain: <${forwardPath}>`);
      rejected.push({ forwardPath, reply: malformed });
      continue;
    }
    const verdict = await judgeRecipient(mailbox, true, ingress);
    if ('refused' in verdict) rejected.push({ forwardPath, reply: verdict.refused });
    else accepted.push(verdict.accepted);
  }
  return { accepted, rejected };
}

function trace(
  user: string,
  id: string,
  { settings, clock }: Ingress,
  only: { forwardPath?: string },
): Buffer {
  const helo = `${settings.hostname} (user ${user.replace(/[^A-Za-z0-9._-]/g, '?')})`;
  return Buffer.from(
    traceField({ helo, hostname: settings.hostname, protocol: 'local', id, at: clock.now(), ...only }),
    'latin1',
  );
}

const crlf = Buffer.from('\r\n');
const nothing = Buffer.alloc(0);

/** RFC 5321 §4.1.1.4: content ends with a line end. */
function lastLineEnd(content: Uint8Array): Buffer {
  return content.length === 0 || content.at(-1) === crlf[1] ? nothing : crlf;
}
