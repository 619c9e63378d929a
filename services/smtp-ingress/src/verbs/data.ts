/**
 * data = "DATA" CRLF
 * After 354 mail data follows up to CRLF.CRLF; then end-of-data answers (RFC 5321 §4.1.1.4).
 */
import { plainReply, reply, type Reply } from '@postrider/smtp';
import { whenAdmitted } from '../content/admission.js';
import { newContent } from '../content/new-content.js';
import { noArgument } from '../session/replies.js';
import { defineVerb, type SessionFacts } from './verb.js';

/** RFC 5321 §3.3; RFC 2033 §4.2 has 503 for the same. */
const noRecipientsInSmtp = reply(554, '5.5.1', 'No valid recipients');
const noRecipientsInLmtp = reply(503, '5.5.1', 'No valid recipients');
export const noRecipients = ({ role }: SessionFacts): Reply =>
  role.replyPerRecipient ? noRecipientsInLmtp : noRecipientsInSmtp;

const startMailInput = plainReply(354, 'Start mail input; end with <CRLF>.<CRLF>');
/** RFC 3030 §2 */
const chunksBegun = reply(503, '5.5.1', 'The mail has begun with BDAT');

/** RFC 3030 §3 */
const binaryInLines = reply(503, '5.5.1', 'BODY=BINARYMIME needs BDAT');

export const data = defineVerb({
  name: 'DATA',
  syntax: 'DATA',
  allowedIn: ['mail', 'rcpt'],
  replies: [354, 452, 503, 554],
  lastInGroup: true,
  act(argument, state, facts) {
    if (state.name === 'mail') return { reply: noRecipients(facts) };
    if (argument !== '') return { reply: noArgument('DATA') };
    if (state.chunks) return { reply: chunksBegun };
    if (state.transaction.body === 'BINARYMIME') return { reply: binaryInLines };
    return whenAdmitted(facts.ingress.admission, (place) => ({
      reply: startMailInput,
      then: { do: 'receive', content: newContent(state, facts, { framing: 'dots', place }) },
    }));
  },
});
