/**
 * etrn = "ETRN" SP ["@"] node-name CRLF
 * Deferred mail for a domain - with @ for all under it, too - is tried now, for those whom `privacy.etrn` lets ask
 * (RFC 1985 §5). It goes where mail for that domain goes, whoever asks.
 */
import type { MailFilter } from '@postrider/protocol';
import { isDomain, reply, type Reply } from '@postrider/smtp';
import { mayAsk } from '../policy/privacy.js';
import { defineVerb, type SessionFacts } from './verb.js';

const notOffered = reply(502, '5.5.1', 'ETRN is not offered: nobody starts our queue from outside');
const ehloFirst = reply(503, '5.5.1', 'Send EHLO first');
const noNode = reply(500, '5.5.2', 'Use ETRN domain');
const badNode = reply(501, '5.5.4', 'ETRN takes a full domain name, or @ and one');

export const etrn = defineVerb({
  name: 'ETRN',
  syntax: 'ETRN [@]domain',
  allowedIn: ['ready'],
  replies: [250, 251, 253, 458, 459, 500, 501, 502],
  lastInGroup: false,
  announced: (facts) => mayAsk('etrn', facts),
  async act(argument, { client }, facts) {
    if (facts.ingress.settings.privacy.etrn === 'nobody') return { reply: notOffered };
    // RFC 5321 §2.2.1: extensions are for those who greeted with EHLO.
    if (client.protocol === 'SMTP') return { reply: ehloFirst };
    if (argument === '') return { reply: noNode };
    const filter = asked(argument);
    if (!filter) return { reply: badNode };
    return { reply: mayAsk('etrn', facts) ? await started(argument, filter, facts) : notAllowed(argument) };
  },
});

/** A queue's name behind '#' is a local matter (RFC 1985 §5.3): there are none. */
function asked(argument: string): MailFilter | undefined {
  const below = argument.startsWith('@');
  const node = argument.slice(below ? 1 : 0).toLowerCase();
  if (!isDomain(node) || !node.includes('.')) return undefined;
  return below ? { below: node } : { domain: node };
}

const notAllowed = (node: string): Reply => reply(459, '4.7.1', `Node ${node} not allowed: not for you`);

async function started(node: string, filter: MailFilter, { ingress, address }: SessionFacts): Promise<Reply> {
  try {
    const mails = await ingress.startQueue(filter);
    ingress.log.info({ node, client: address, mails }, 'queue started by ETRN');
    return mails === 0
      ? reply(251, '2.0.0', `OK, no messages waiting for node ${node}`)
      : reply(253, '2.0.0', `OK, ${mails} pending messages for node ${node} started`);
  } catch (fault) {
    ingress.log.warn({ node, fault: String(fault) }, 'queue could not be started');
    return reply(458, '4.3.0', `Unable to queue messages for node ${node}`);
  }
}
