/** Whether a recipient is taken, and who it is then: relay control first, and for our own domains the alias table. */
import type { Recipient } from '@postrider/mail';
import type { ResolveAnswer } from '@postrider/protocol';
import {
  domainlessPostmaster,
  parseMailbox,
  reply,
  splitMailbox,
  type ForwardPath,
  type Mailbox,
  type Reply,
} from '@postrider/smtp';
import type { Settings } from '../settings.js';
import { relayVerdict } from './relay-control.js';

/** A RCPT that was taken: who gets the mail because of it. */
export interface AcceptedForwardPath {
  /** Mailbox as the client gave it. */
  readonly given: string;
  readonly recipients: readonly Recipient[];
}

export type RecipientVerdict = { readonly accepted: AcceptedForwardPath } | { readonly refused: Reply };

export interface RecipientContext {
  readonly settings: Settings;
  /** Asks alias-expander. Rejects when nobody answers in time. */
  readonly resolve: (forwardPath: string) => Promise<ResolveAnswer>;
}

/** Members of one alias; more are for the owner of a list to expand. */
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
  if (forwardPath === domainlessPostmaster) return judgePostmaster(context);
  switch (relayVerdict(forwardPath, trusted, context.settings.relay)) {
    case 'relay':
      return asItIs(forwardPath.text);
    case 'local':
      return judgeLocal(forwardPath, context);
    case 'refused':
      return { refused: reply(550, '5.7.1', `We do not relay mail to <${forwardPath.text}> for you`) };
  }
}

/** Must be taken, whoever it is for (RFC 5321 §4.5.1). */
function judgePostmaster(context: RecipientContext): RecipientVerdict | Promise<RecipientVerdict> {
  const mailbox = parseMailbox(context.settings.postmaster);
  if (mailbox && context.settings.relay.localDomains.has(mailbox.domain)) return judgeLocal(mailbox, context);
  return asItIs(context.settings.postmaster);
}

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
    case 'unknown':
      return isPostmaster(mailbox.text)
        ? postmasterWithoutMailbox(mailbox, context.settings)
        : { refused: reply(550, '5.1.1', `No such user here: <${mailbox.text}>`) };
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
    accepted: { given, recipients: members.map((forwardPath) => ({ forwardPath, original: given })) },
  };
}

/** A local name in any case (RFC 5321 §4.5.1). */
const isPostmaster = (mailbox: string): boolean =>
  splitMailbox(mailbox).localPart.toLowerCase() === domainlessPostmaster;

/** The table knows nobody by that name: the configured postmaster gets it, else a mailbox of that name. */
function postmasterWithoutMailbox(mailbox: Mailbox, { postmaster }: Settings): RecipientVerdict {
  if (isPostmaster(postmaster)) return asItIs(mailbox.text);
  return expanded(mailbox.text, [postmaster]);
}
