/**
 * data = "DATA" CRLF
 * After 354 mail data follows up to CRLF.CRLF; then end-of-data answers (RFC 5321 §4.1.1.4).
 */
import { largeContentInOctets } from '@postrider/spool';
import { plainReply, reply, type Reply } from '@postrider/smtp';
import { ContentReceiver } from '../content/content-receiver.js';
import { mayUse } from '../auth/listener-auth.js';
import { authorsOf, missingFields } from '../content/missing-fields.js';
import { traceField } from '../content/trace-field.js';
import { noArgument } from '../session/replies.js';
import { protocolOf } from '../session/with-keyword.js';
import type { StateNamed } from '../session/session-state.js';
import { defineVerb, type SessionFacts } from './verb.js';

/** RFC 5321 §3.3; RFC 2033 §4.2 has 503 for the same. */
const noRecipients = reply(554, '5.5.1', 'No valid recipients');
const noRecipientsInLmtp = reply(503, '5.5.1', 'No valid recipients');

const startMailInput = plainReply(354, 'Start mail input; end with <CRLF>.<CRLF>');

export const data = defineVerb({
  name: 'DATA',
  syntax: 'DATA',
  allowedIn: ['mail', 'rcpt'],
  replies: [354, 503, 554],
  lastInGroup: true,
  act(argument, state, facts) {
    if (state.name === 'mail')
      return { reply: facts.role.replyPerRecipient ? noRecipientsInLmtp : noRecipients };
    if (argument !== '') return { reply: noArgument('DATA') };
    return { reply: startMailInput, then: { do: 'receive', content: receiver(state, facts) } };
  },
});

function receiver(state: StateNamed<'rcpt'>, facts: SessionFacts): ContentReceiver {
  const { ingress, limits, address, tls, identity, role } = facts;
  const id = ingress.newMailId();
  const { client, forwardPaths } = state;
  const onlyOne = forwardPaths.length === 1 ? { forwardPath: forwardPaths[0].given } : {};
  return new ContentReceiver({
    id,
    traceField: traceField({
      helo: client.helo,
      address,
      hostname: ingress.settings.hostname,
      protocol: protocolOf(client, facts),
      id,
      at: ingress.clock.now(),
      ...(identity && role.submission ? { identity: identity.name } : {}),
      ...(tls ? { tlsCipher: tls.cipher } : {}),
      ...onlyOne,
    }),
    limits,
    ...(role.submission ? { complete: (beginning) => completed(beginning, id, facts) } : {}),
    heldInOctets: largeContentInOctets,
    budget: ingress.budget,
    beginLarge: (contentId) => ingress.writer.beginLarge(contentId),
  });
}

/** RFC 6409 §8 */
function completed(beginning: Buffer, id: string, facts: SessionFacts): string | Reply {
  const { settings, clock } = facts.ingress;
  const others = authorsOf(beginning).find((author) => !mayUse(author, facts));
  // RFC 6409 §6.1
  if (others !== undefined)
    return reply(550, '5.7.1', `From or Sender names <${others}>, which is not yours`);
  return missingFields(beginning, { id, hostname: settings.hostname, at: clock.now() });
}
