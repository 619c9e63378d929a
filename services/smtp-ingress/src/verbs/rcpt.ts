/**
 * rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
 * Adds a recipient, if relay control and the alias table allow it (RFC 5321 §4.1.1.3).
 */
import { domainlessPostmaster, parseRcptArguments, reply, type ForwardPath } from '@postrider/smtp';
import { unknownParameter } from '../extensions.js';
import type { AcceptedForwardPath, RecipientVerdict } from '../policy/recipients.js';
import { judgeRecipient } from '../policy/recipients.js';
import { mayRelay } from '../policy/relay-control.js';
import { notNow, syntaxError } from '../session/replies.js';
import type { StateNamed } from '../session/session-state.js';
import { defineVerb, type SessionFacts, type Step } from './verb.js';

type State = StateNamed<'mail' | 'rcpt'>;

const recipientOk = reply(250, '2.1.5', 'Recipient ok');
/** RFC 5321 §4.5.3.1.10 */
const tooMany = reply(452, '4.5.3', 'Too many recipients, send the others in another transaction');

/** An alias may lead over limits.recipients by this many members. */
const membersOverLimit = 1000;

export const rcpt = defineVerb({
  name: 'RCPT',
  syntax: 'RCPT TO:<forward-path>',
  allowedIn: ['mail', 'rcpt'],
  replies: [250, 251, 550, 551, 552, 553, 450, 451, 452, 503, 455, 555],
  lastInGroup: false,
  act(argument, state, facts) {
    const parsed = parseRcptArguments(argument);
    if (!parsed.ok) return { reply: syntaxError(parsed, '5.1.3') };
    for (const keyword of parsed.value.parameters.keys()) return { reply: unknownParameter(keyword) };
    // RFC 3030 §2: the data has begun.
    if (state.name === 'rcpt' && state.chunks) return { reply: notNow('rcpt') };
    if (accepted(state).length >= facts.limits.recipients) return { reply: tooMany };
    const { ingress, address, role, identity } = facts;
    const trusted =
      identity !== undefined || (role.relaysForNetworks && mayRelay(address, ingress.settings.relay));
    const { forwardPath } = parsed.value;
    const verdict = judgeRecipient(forwardPath, trusted, ingress);
    const step = (given: RecipientVerdict): Step =>
      'refused' in given
        ? { reply: given.refused, about: addressOf(forwardPath) }
        : take(given.accepted, state, facts);
    return verdict instanceof Promise ? verdict.then(step) : step(verdict);
  },
});

const addressOf = (forwardPath: ForwardPath): string =>
  forwardPath === domainlessPostmaster ? forwardPath : forwardPath.text;

const accepted = (state: State): readonly AcceptedForwardPath[] =>
  state.name === 'rcpt' ? state.forwardPaths : [];

function take(forwardPath: AcceptedForwardPath, state: State, { limits }: SessionFacts): Step {
  const { client, transaction } = state;
  if (state.name === 'mail')
    return { reply: recipientOk, state: { name: 'rcpt', client, transaction, forwardPaths: [forwardPath] } };
  const members = state.forwardPaths.reduce((sum, { recipients }) => sum + recipients.length, 0);
  if (members + forwardPath.recipients.length > limits.recipients + membersOverLimit)
    return { reply: tooMany };
  return { reply: recipientOk, state: { ...state, forwardPaths: [...state.forwardPaths, forwardPath] } };
}
