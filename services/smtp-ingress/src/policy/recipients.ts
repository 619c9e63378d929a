/** Whether a recipient is taken, and who it is then: relay control first, and for our own domains the alias table. */
import { relayVerdict, type Recipient } from '@postrider/mail';
import type { ResolveAnswer } from '@postrider/protocol';
import {
  domainlessPostmaster,
  isAscii,
  parseMailbox,
  reply,
  type ForwardPath,
  type Mailbox,
  type Reply,
} from '@postrider/smtp';
import type { Settings } from '../settings.js';

/** A RCPT that was taken: who gets the mail because of it. */
export interface AcceptedForwardPath {
  /** Mailbox as the client gave it. */
  readonly given: string;
  readonly recipients: readonly Recipient[];
  /** An access rule has the mail held; why. */
  readonly hold?: string;
  /** An access rule puts this field on top of the mail. */
  readonly field?: string;
}

export type RecipientVerdict = { readonly accepted: AcceptedForwardPath } | { readonly refused: Reply };

export interface RecipientContext {
  readonly settings: Settings;
  /** Asks alias-expander. Rejects when nobody answers in time. */
  readonly resolve: (forwardPath: string) => Promise<ResolveAnswer>;
}

/** Members of one alias; a longer list is expanded by the owner of the mail. */
const membersOfAlias = 1000;

/**
 * @param trusted the client may relay
 * @returns at once for what relay control alone decides
 */
export function judgeRecipient(
  forwardPath: ForwardPath,
  trusted: boolean,
  context: RecipientContext,
): RecipientVerdict | Promise<RecipientVerdict> {
  if (forwardPath === domainlessPostmaster) return judgeDomainlessPostmaster(context);
  switch (relayVerdict(forwardPath, trusted, context.settings.relay)) {
    case 'relay-domain':
    case 'trusted':
      return asItIs(forwardPath.text);
    case 'local':
      return isPostmaster(forwardPath)
        ? judgePostmaster(forwardPath, context)
        : judgeLocal(forwardPath, context);
    case 'another-hop':
    case 'stranger':
      return { refused: reply(550, '5.7.1', `We do not relay mail to <${forwardPath.text}> for you`) };
  }
}

/** `<postmaster>` is the one of our first domain; a machine without domains of its own sends it on. */
function judgeDomainlessPostmaster(context: RecipientContext): RecipientVerdict | Promise<RecipientVerdict> {
  const { postmaster, relay } = context.settings;
  const [domain] = relay.localDomains;
  const mailbox = domain === undefined ? undefined : parseMailbox(`${domainlessPostmaster}@${domain}`);
  return mailbox ? judgePostmaster(mailbox, context) : asItIs(postmaster);
}

/**
 * Taken whatever the table and `local.users` say (RFC 5321 §4.5.1): its alias; else the configured postmaster; else a
 * mailbox of that name.
 */
async function judgePostmaster(mailbox: Mailbox, context: RecipientContext): Promise<RecipientVerdict> {
  const { postmaster, relay } = context.settings;
  try {
    const alias = await aliasOf(mailbox, context);
    if (alias) return alias;
    const configured = parseMailbox(postmaster);
    if (!configured) return asItIs(mailbox.text);
    if (!relay.localDomains.has(configured.domain)) return expanded(mailbox.text, [postmaster]);
    if (isPostmaster(configured)) {
      const sameDomain = configured.domain === mailbox.domain;
      return (sameDomain ? undefined : await aliasOf(configured, context)) ?? asItIs(mailbox.text);
    }
    const verdict = await judgeLocal(configured, context);
    if ('refused' in verdict) return verdict.refused === cannotTell ? verdict : asItIs(mailbox.text);
    const members = verdict.accepted.recipients.map(({ forwardPath }) => forwardPath);
    return expanded(mailbox.text, members);
  } catch {
    return { refused: cannotTell };
  }
}

/** @returns undefined when there is no alias that leads to somebody. Rejects when nobody can tell. */
async function aliasOf(
  mailbox: Mailbox,
  { resolve }: RecipientContext,
): Promise<RecipientVerdict | undefined> {
  const answer = await resolve(mailbox.text);
  if (answer.result !== 'expanded') return undefined;
  const verdict = expanded(mailbox.text, answer.members);
  return 'accepted' in verdict ? verdict : undefined;
}

/** A local name in any case (RFC 5321 §4.5.1). */
const isPostmaster = ({ localPart }: Mailbox): boolean => localPart.toLowerCase() === domainlessPostmaster;

async function judgeLocal(mailbox: Mailbox, context: RecipientContext): Promise<RecipientVerdict> {
  let answer: ResolveAnswer;
  try {
    answer = await context.resolve(mailbox.text);
  } catch {
    return { refused: cannotTell };
  }
  switch (answer.result) {
    case 'local':
      return asItIs(mailbox.text);
    case 'expanded':
      return expanded(mailbox.text, answer.members);
    case 'list':
      return { accepted: { given: mailbox.text, recipients: [{ forwardPath: mailbox.text, list: {} }] } };
    case 'unknown':
      return { refused: reply(550, '5.1.1', `No such user here: <${mailbox.text}>`) };
    case 'loop':
      return { refused: reply(550, '5.4.6', `Alias leads back to itself: <${mailbox.text}>`) };
    case 'temporary':
      return { refused: cannotTell };
  }
}

const cannotTell = reply(451, '4.3.0', 'Recipient can not be checked now, try again later');

const asItIs = (forwardPath: string): RecipientVerdict => ({
  accepted: { given: forwardPath, recipients: [{ forwardPath }] },
});

/** Members outside are sent on as the act of the alias' owner. */
function expanded(given: string, members: readonly string[]): RecipientVerdict {
  if (members.length === 0) return { refused: reply(550, '5.2.4', `Alias has no members: <${given}>`) };
  if (members.length > membersOfAlias)
    return { refused: reply(550, '5.2.4', `Alias has more than ${membersOfAlias} members: <${given}>`) };
  return {
    accepted: {
      given,
      recipients: members.map((member) => ({ forwardPath: withALabels(member), original: given })),
    },
  };
}

/** RFC 6531 §3.2: as it is looked up. */
const withALabels = (member: string): string =>
  isAscii(member) ? member : (parseMailbox(member)?.text ?? member);

/** The operator's rule says who gets it: his address is judged as ours, and the one that was given is kept. */
export async function redirected(
  given: string,
  to: string,
  context: RecipientContext,
): Promise<RecipientVerdict> {
  const mailbox = parseMailbox(to);
  if (!mailbox) return { refused: cannotTell };
  const verdict = await judgeRecipient(mailbox, true, context);
  if ('refused' in verdict) return verdict;
  const recipients = verdict.accepted.recipients.map(({ forwardPath }) => ({ forwardPath, original: given }));
  return { accepted: { given, recipients } };
}
