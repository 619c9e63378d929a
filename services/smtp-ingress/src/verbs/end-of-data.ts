/**
 * CRLF.CRLF after mail data: a verb too, with the whole content for its argument (RFC 5321 §4.1.1.4). The transaction
 * is over, whatever the reply.
 */
import { reply, type Reply } from '@postrider/smtp';
import { ContentRefused } from '@postrider/spool';
import { commitMail } from '../commit.js';
import type { ContentProblem, ContentReceiver, StoredContent } from '../content/content-receiver.js';
import { noRoom, spoolAway } from '../session/replies.js';
import { protocolOf } from '../session/with-keyword.js';
import type { StateNamed } from '../session/session-state.js';
import { defineVerb, type SessionFacts } from './verb.js';

export const endOfData = defineVerb<'rcpt', ContentReceiver>({
  name: 'end-of-data',
  syntax: '.',
  allowedIn: ['rcpt'],
  replies: [250, 552, 554, 451, 452, 450, 550],
  lastInGroup: false,
  async act(content, state, facts) {
    const stored = await content.finish();
    const answer = 'problem' in stored ? refusal(stored, facts) : await store(stored, content, state, facts);
    const ready = { name: 'ready', client: state.client } as const;
    // RFC 2033 §4.2: the mail is stored for all its recipients, or for none.
    return facts.role.replyPerRecipient
      ? { reply: answer, state: ready, times: state.forwardPaths.length }
      : { reply: answer, state: ready };
  },
});

async function store(
  stored: StoredContent,
  content: ContentReceiver,
  { client, transaction, forwardPaths }: StateNamed<'rcpt'>,
  session: SessionFacts,
): Promise<Reply> {
  const { ingress, address, listener, identity, forwarded } = session;
  const { smtputf8 } = transaction;
  if (session.role.submission && smtputf8 === undefined && content.eightBitHeader) {
    content.abandon();
    return headerNotAscii;
  }
  if (forwardPaths.every(({ recipients }) => recipients.length === 0)) return discard(content, session);
  const hold = forwardPaths.find((path) => path.hold !== undefined)?.hold;
  const facts = {
    ...transaction,
    id: content.id,
    sizeInOctets: content.sizeInOctets,
    acceptedAt: ingress.clock.now(),
    client: { helo: client.helo, protocol: protocolOf(client, session, transaction), address, ...forwarded },
    ...(smtputf8 !== undefined && content.eightBitHeader ? { smtputf8: 'header' as const } : {}),
    listener,
    ...(identity ? { identity: identity.name } : {}),
    ...(hold === undefined ? {} : { hold }),
  };
  try {
    const committed = await commitMail({ facts, accepted: forwardPaths, stored }, ingress);
    if (committed.surelyNot) content.abandon();
    return committed.reply;
  } finally {
    content.release();
  }
}

/**
 * RFC 6531 §3.2, RFC 6532 §3: whoever submits such a mail can be told to say so. Departs from RFC 5322 §2.2 where mail
 * comes from elsewhere: it is passed on as it is, since its author does not hear of a refusal there in time. Header
 * fields of parts are looked at with SMTPUTF8 only (RFC 6531 §3.6 asks for no more): programs that name files in
 * UTF-8 there without it are many, and what they send is read by whoever gets it.
 */
const headerNotAscii = reply(554, '5.6.0', 'Header fields are not US-ASCII; use MAIL with SMTPUTF8');

/** By access rules nobody is to have it. */
function discard(content: ContentReceiver, { ingress, address }: SessionFacts): Reply {
  content.abandon();
  ingress.counts.discarded++;
  ingress.log.info({ mail: content.id, client: address }, 'discarded by an access rule');
  return reply(250, '2.0.0', `Ok: queued as ${content.id}`);
}

const notCrlf = (what: string): Reply =>
  // RFC 5321 §2.3.8, §4.1.1.4
  reply(554, '5.6.0', `${what} in mail data is not allowed; lines end with CRLF`);

function refusal(refused: ContentProblem, { ingress, limits }: SessionFacts): Reply {
  switch (refused.problem) {
    case 'bare-cr':
      return notCrlf('CR without LF');
    case 'bare-lf':
      return notCrlf('LF without CR');
    case 'nul':
      return reply(554, '5.6.0', 'NUL in mail data is not allowed');
    case 'long-line':
      // RFC 5321 §4.5.3.1.6
      return reply(554, '5.6.0', `A line is longer than the ${limits.text_line} octets taken here`);
    case 'too-large':
      // RFC 1870 §6.3
      return reply(552, '5.3.4', `Message is larger than the ${limits.message_size} octets taken here`);
    case 'loop':
      // RFC 5321 §6.3
      return reply(554, '5.4.6', `Mail loop: more than ${limits.received_headers} Received fields`);
    case 'policy':
      return refused.reply;
    case 'storage':
      ingress.log.warn({ error: String(refused.fault) }, 'large content not stored');
      return refused.fault instanceof ContentRefused && refused.fault.full ? noRoom : spoolAway;
  }
}
