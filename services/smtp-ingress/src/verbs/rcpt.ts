/**
 * rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
 * Adds a recipient, if relay control and the alias table allow it (RFC 5321 §4.1.1.3).
 */
import {
  decidingRule,
  isFullyQualified,
  relayTrust,
  ruleTrusts,
  type AccessAction,
  type AccessFacts,
  type AccessRule,
} from '@postrider/mail';
import { domainlessPostmaster, isAscii, parseRcptArguments, reply, type ForwardPath } from '@postrider/smtp';
import { rcptParameters } from '../extensions.js';
import { withDsn } from '../policy/dsn-of-aliases.js';
import type { AcceptedForwardPath, RecipientVerdict } from '../policy/recipients.js';
import { judgeRecipient, redirected } from '../policy/recipients.js';
import { notFullyQualified, notNow, syntaxError, tooManyRecipientsOfClient } from '../session/replies.js';
import type { StateNamed } from '../session/session-state.js';
import { defineVerb, type SessionFacts, type Step } from './verb.js';

type State = StateNamed<'mail' | 'rcpt'>;

const recipientOk = reply(250, '2.1.5', 'Recipient ok');
const nameUnknown = reply(451, '4.4.3', 'Your name can not be looked up now, try again later');
/** RFC 6531 §3.5 */
const notAscii = reply(553, '5.6.7', 'An address that is not US-ASCII needs SMTPUTF8 with MAIL');
/** RFC 5321 §4.5.3.1.10 */
const tooMany = reply(452, '4.5.3', 'Too many recipients, send the others in another transaction');

/** An alias may lead over limits.recipients by this many members. */
const membersOverLimit = 1000;

export const rcpt = defineVerb({
  name: 'RCPT',
  syntax: 'RCPT TO:<forward-path> [NOTIFY=NEVER|SUCCESS,FAILURE,DELAY] [ORCPT=rfc822;xtext]',
  allowedIn: ['mail', 'rcpt'],
  replies: [250, 251, 550, 551, 552, 553, 554, 450, 451, 452, 503, 455, 555],
  lastInGroup: false,
  act(argument, state, facts) {
    const parsed = parseRcptArguments(argument);
    if (!parsed.ok) return { reply: syntaxError(parsed, '5.1.3') };
    if (!isAscii(argument) && state.transaction.smtputf8 === undefined) return { reply: notAscii };
    const parameters = rcptParameters(parsed.value.parameters, state.client, facts);
    if ('refused' in parameters) return { reply: parameters.refused };
    // RFC 3030 §2: the data has begun.
    if (state.name === 'rcpt' && state.chunks) return { reply: notNow('rcpt') };
    if (accepted(state).length >= facts.limits.recipients) return { reply: tooMany };
    if (!facts.clients.counts(facts.address, 'recipients')) return { reply: tooManyRecipientsOfClient };
    const { forwardPath } = parsed.value;
    const partOf = unqualified(forwardPath, facts);
    if (partOf !== undefined)
      return { reply: notFullyQualified(partOf, '5.1.2'), about: addressOf(forwardPath) };
    const verdict = judge(forwardPath, state, facts);
    const reports = state.transaction.reversePath !== '';
    const step = (given: RecipientVerdict): Step =>
      'refused' in given
        ? { reply: given.refused, about: addressOf(forwardPath) }
        : take(withDsn(given.accepted, parameters, reports), state, facts);
    return verdict instanceof Promise ? verdict.then(step) : step(verdict);
  },
});

/** Where mail is submitted: a domain that is none by itself. */
const unqualified = (forwardPath: ForwardPath, { role, ingress }: SessionFacts): string | undefined =>
  !role.submission ||
  forwardPath === domainlessPostmaster ||
  isFullyQualified(forwardPath.domain, ingress.settings.relay)
    ? undefined
    : forwardPath.domain;

/** Access rules first; where none decides, relay control. */
function judge(
  forwardPath: ForwardPath,
  state: State,
  facts: SessionFacts,
): RecipientVerdict | Promise<RecipientVerdict> {
  const { ingress, address, role, identity } = facts;
  const client = { identity, address: role.relaysForNetworks ? address : undefined };
  const trusted = relayTrust(client, ingress.settings.relay) !== undefined;
  const act = (rule?: AccessRule): RecipientVerdict | Promise<RecipientVerdict> =>
    actOn(rule?.action, forwardPath, trusted, facts);
  if (!ingress.access.areThere) return act();
  const { beforeName, fromName } = ingress.access.inForce;
  const known = accessFacts(forwardPath, state, facts);
  const early = decidingRule(beforeName, known);
  if (early || fromName.length === 0) return act(early);
  return nameOf(facts).then(
    (name) => act(decidingRule(fromName, name === undefined ? known : { ...known, name })),
    () => ({ refused: nameUnknown }),
  );
}

/** By DNS; the resolver's cache answers from the second recipient on. */
const nameOf = ({ spokenFor, ingress, address }: SessionFacts): Promise<string | undefined> =>
  (spokenFor?.nameOf ?? ingress.nameOf)(address);

function actOn(
  action: AccessAction | undefined,
  forwardPath: ForwardPath,
  trusted: boolean,
  { ingress }: SessionFacts,
): RecipientVerdict | Promise<RecipientVerdict> {
  switch (action?.act) {
    case 'refuse':
      return { refused: reply(action.code, action.status, action.text) };
    case 'discard':
      return { accepted: { given: addressOf(forwardPath), recipients: [] } };
    case 'redirect':
      return redirected(addressOf(forwardPath), action.to, ingress);
    case 'relay':
      return judgeRecipient(forwardPath, trusted || isTrusted(action, forwardPath), ingress);
    case 'hold':
      return marked(judgeRecipient(forwardPath, trusted, ingress), { hold: action.reason });
    case 'header':
      return marked(judgeRecipient(forwardPath, trusted, ingress), { field: action.field });
    default:
      return judgeRecipient(forwardPath, trusted, ingress);
  }
}

const isTrusted = (rule: { readonly clients: boolean }, forwardPath: ForwardPath): boolean =>
  forwardPath === domainlessPostmaster || ruleTrusts(rule, forwardPath);

/** As without the rule, and what it adds. */
async function marked(
  judged: RecipientVerdict | Promise<RecipientVerdict>,
  mark: Pick<AcceptedForwardPath, 'hold' | 'field'>,
): Promise<RecipientVerdict> {
  const verdict = await judged;
  return 'refused' in verdict ? verdict : { accepted: { ...verdict.accepted, ...mark } };
}

/** But for the client's name. */
function accessFacts(
  forwardPath: ForwardPath,
  { client, transaction }: State,
  { address, listener, tls, identity }: SessionFacts,
): AccessFacts {
  return {
    client: address,
    helo: client.helo,
    listener,
    tls: tls !== undefined,
    from: transaction.reversePath,
    to: addressOf(forwardPath),
    ...(identity ? { identity: identity.name } : {}),
  };
}

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
