/**
 * data = "DATA" CRLF
 * After 354 mail data follows up to CRLF.CRLF; then end-of-data answers (RFC 5321 §4.1.1.4).
 */
import { largeContentInOctets } from '@postrider/spool';
import { plainReply, reply } from '@postrider/smtp';
import { ContentReceiver } from '../content/content-receiver.js';
import { traceField } from '../content/trace-field.js';
import { noArgument } from '../session/replies.js';
import { protocolOf } from '../session/with-keyword.js';
import type { StateNamed } from '../session/session-state.js';
import { defineVerb, type SessionFacts } from './verb.js';

const startMailInput = plainReply(354, 'Start mail input; end with <CRLF>.<CRLF>');

export const data = defineVerb({
  name: 'DATA',
  syntax: 'DATA',
  allowedIn: ['rcpt'],
  // RFC 5321 §3.3: no recipient has been taken.
  otherwise: { mail: reply(554, '5.5.1', 'No valid recipients') },
  replies: [354, 503, 554],
  lastInGroup: true,
  act(argument, state, facts) {
    if (argument !== '') return { reply: noArgument('DATA') };
    return { reply: startMailInput, then: { do: 'receive', content: receiver(state, facts) } };
  },
});

function receiver(state: StateNamed<'rcpt'>, facts: SessionFacts): ContentReceiver {
  const { ingress, limits, address, tls } = facts;
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
      ...(tls ? { tlsCipher: tls.cipher } : {}),
      ...onlyOne,
    }),
    limits,
    heldInOctets: largeContentInOctets,
    budget: ingress.budget,
    beginLarge: (contentId) => ingress.writer.beginLarge(contentId),
  });
}
