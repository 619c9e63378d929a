/**
 * Lists that are too long for one envelope (DESIGN §3): a recipient that is a list ends as 'expanded', and the record
 * that says so bears the mail to one page of its members, and the mail that goes on behind it. One record is one write,
 * and both ids follow from their cause: a crash loses no page, and sends none twice.
 */
import { createHash } from 'node:crypto';
import { derivedMailId, type Envelope, type MailObject, type Recipient } from '@postrider/mail';
import { aliasExpander, type PageAnswer } from '@postrider/protocol';
import type { Announcer } from '../events.js';
import type { OpenState, QueueMail } from '../mail/queue-mail.js';
import type { ShardEnvironment } from '../shard/environment.js';
import type { Finding } from './conclusion.js';

export interface ListsOptions {
  readonly environment: ShardEnvironment;
  readonly announcer: Announcer;
}

/** A recipient that is a list, and the mail it belongs to. */
interface Listed {
  readonly envelope: Envelope;
  readonly open: OpenState;
  readonly recipient: Recipient;
}

export class Lists {
  readonly #options: ListsOptions;

  constructor(options: ListsOptions) {
    this.#options = options;
  }

  /** What becomes of the list in this attempt. @param mail its content is there, unless large */
  async expand(mail: QueueMail, open: OpenState): Promise<Finding> {
    const { envelope } = mail;
    const recipient = envelope.recipients[open.index];
    const common = { opens: [open], attempt: open.attempts + 1 };
    if (recipient === undefined) return { ...common, ...nobody };
    const answer = await this.#ask(recipient);
    if (answer.result === 'temporary') {
      const diagnostic = { status: '4.3.0', text: answer.text };
      return { ...common, outcome: 'temporary', diagnostic };
    }
    if (answer.result === 'unknown') return { ...common, ...nobody };
    const { content } = mail;
    const born = bornOfPage({ envelope, open, recipient }, answer).map((one): MailObject =>
      content === undefined ? { envelope: one } : { envelope: one, content },
    );
    this.#tell({ envelope, open, recipient }, born, answer.members.length);
    const diagnostic = { status: '2.0.0', text: `expanded: ${answer.members.length} members` };
    return { ...common, outcome: 'expanded', diagnostic, born };
  }

  async #ask({ forwardPath, list }: Recipient): Promise<PageAnswer> {
    try {
      return await this.#options.environment.bus.ref(aliasExpander).ask('page', { forwardPath, ...list });
    } catch {
      return { result: 'temporary', text: 'no answer from alias-expander' };
    }
  }

  #tell({ envelope, recipient }: Listed, [page, next]: readonly MailObject[], members: number): void {
    if (page === undefined) return;
    this.#options.announcer.expanded({
      mail: envelope.id,
      alias: recipient.forwardPath,
      page: page.envelope.id,
      members,
      ...(next === undefined ? {} : { next: next.envelope.id }),
    });
  }
}

const nobody = {
  outcome: 'permanent',
  diagnostic: { status: '5.2.4', text: 'the list has no members any more' },
} as const;

/** The mail to the page, and the one that goes on behind it. */
function bornOfPage(
  { envelope, open, recipient }: Listed,
  { members, next }: Extract<PageAnswer, { readonly result: 'page' }>,
): readonly Envelope[] {
  const { list, ...same } = recipient;
  const original = recipient.original ?? recipient.forwardPath;
  const idOf = (what: string): string => {
    const cause = `${envelope.id} ${open.index} ${list?.after ?? ''} ${what}`;
    const digest = createHash('sha256').update(cause).digest();
    return derivedMailId(envelope.acceptedAt, digest.subarray(0, 8));
  };
  const born = (what: string, recipients: readonly Recipient[]): Envelope => ({
    ...envelope,
    id: idOf(what),
    bornOf: envelope.id,
    recipients,
  });
  const page = members.map((forwardPath) => ({ ...same, forwardPath, original }));
  return [
    ...(page.length === 0 ? [] : [born('page', page)]),
    ...(next === undefined ? [] : [born('next', [{ ...recipient, list: { after: next } }])]),
  ];
}
