/**
 * bdat = "BDAT" SP chunk-size [ SP "LAST" ] CRLF, and that many octets
 * Mail data in chunks of known size, without dots (RFC 3030 §2). The reply comes after the octets, which are taken and
 * forgotten where the command is refused. What makes a content bad does so here, too: it may go on by DATA.
 */
import { reply, type Reply } from '@postrider/smtp';
import { noPlace, tooMuchAtOnce } from '../content/admission.js';
import type { ContentReceiver } from '../content/content-receiver.js';
import { newContent } from '../content/new-content.js';
import { notNow } from '../session/replies.js';
import type { SessionState } from '../session/session-state.js';
import { noRecipients } from './data.js';
import { anyTime, defineVerb, type SessionFacts, type Step } from './verb.js';

const command = /^([0-9]{1,20})(?: +(LAST))?$/i;
/** How much follows can't be told, so that nothing that comes can be taken for a command. */
const badSyntax = reply(501, '5.5.4', 'Use BDAT octets [LAST]; closing transmission channel');
const ehloFirst = reply(503, '5.5.1', 'Send EHLO first');
const notOffered = reply(502, '5.5.1', 'BDAT is not offered here; use DATA');

export const bdat = defineVerb({
  name: 'BDAT',
  syntax: 'BDAT octets [LAST]',
  allowedIn: anyTime,
  replies: [250, 552, 554, 451, 452, 450, 550, 503],
  lastInGroup: false,
  act(argument, state, facts) {
    const [, size, last] = command.exec(argument) ?? [];
    if (size === undefined) return { reply: badSyntax, then: { do: 'close' } };
    const chunk = { octets: Number(size), last: last !== undefined };
    const refused = refusal(state, facts);
    if (refused || state.name !== 'rcpt')
      return { reply: refused ?? notNow(state.name), then: { do: 'receive-chunk', ...chunk } };
    const framing = state.transaction.body === 'BINARYMIME' ? 'binary' : 'chunks';
    const received = (content: ContentReceiver): Step => ({
      reply: reply(250, '2.0.0', `${size} octets received`),
      state: { ...state, chunks: content },
      then: { do: 'receive-chunk', ...chunk, content },
    });
    if (state.chunks) return received(state.chunks);
    const place = facts.ingress.admission.enter();
    if (!(place instanceof Promise)) return received(newContent(state, facts, { framing, place }));
    return place.then((found) => {
      const content = newContent(state, facts, { framing, place: found ?? noPlace });
      // The chunks that follow may be on their way: the whole mail is refused, and not what is left of it taken.
      if (!found) content.refuse(tooMuchAtOnce);
      return received(content);
    });
  },
});

function refusal(state: SessionState, facts: SessionFacts): Reply | undefined {
  if (!offersChunking(facts)) return notOffered;
  if ('client' in state && state.client.protocol === 'SMTP') return ehloFirst;
  return state.name === 'mail' ? noRecipients(facts) : undefined;
}

/** LMTP has no rule for the replies to a chunk that is not the last. */
export const offersChunking = ({ role }: SessionFacts): boolean => !role.replyPerRecipient;
