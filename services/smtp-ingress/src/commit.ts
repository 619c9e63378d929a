/** From a received mail to its reply: 250 only when all of it is durable (DESIGN §2). */
import type { Envelope } from '@postrider/mail';
import { reply, type Reply } from '@postrider/smtp';
import type { CommitResult } from '@postrider/spool';
import type { StoredContent } from './content/content-receiver.js';
import { envelopesOf, type MailFacts } from './content/envelope.js';
import type { Ingress } from './ingress.js';
import type { AcceptedForwardPath } from './policy/recipients.js';
import { noRoom, spoolAway } from './session/replies.js';

export interface ReceivedMail {
  readonly facts: MailFacts;
  readonly accepted: readonly AcceptedForwardPath[];
  readonly stored: StoredContent;
}

export interface Committed {
  readonly reply: Reply;
  /** Nothing of it is in the log, so that nothing refers to a large content. */
  readonly surelyNot: boolean;
}

/** Commits every part of the mail. Never rejects for what the spool answers. */
export async function commitMail(
  { facts, accepted, stored }: ReceivedMail,
  ingress: Ingress,
): Promise<Committed> {
  const inMemory = stored.place === 'memory';
  const envelopes = envelopesOf(inMemory ? facts : { ...facts, large: stored.large }, accepted);
  const commit = (envelope: Envelope): Promise<CommitResult> =>
    inMemory
      ? ingress.writer.commit({ envelope, content: stored.content })
      : ingress.writer.commit({ envelope }, stored.shard);
  const [first, ...others] = envelopes;
  const results =
    first && others.length === 0 ? [await commit(first)] : await Promise.all(envelopes.map(commit));
  return settled(results, envelopes, facts, ingress);
}

function settled(
  results: readonly CommitResult[],
  envelopes: readonly Envelope[],
  facts: MailFacts,
  { events, counts, log }: Ingress,
): Committed {
  let failure: Exclude<CommitResult, { readonly result: 'committed' }> | undefined;
  let stored = 0;
  results.forEach((result, n) => {
    const envelope = envelopes[n];
    if (result.result !== 'committed') failure ??= result;
    else if (envelope) {
      stored++;
      events.accepted(envelope, result.shard);
    }
  });
  if (!failure) {
    counts.accepted++;
    counts.contentInOctets += facts.sizeInOctets;
    log.info(acceptedFacts(facts, envelopes), 'accepted');
    return { reply: reply(250, '2.0.0', `Ok: queued as ${facts.id}`), surelyNot: false };
  }
  const unknown = results.some(({ result }) => result === 'unknown');
  const full = failure.result === 'full' || 'diskFull' in failure;
  return { reply: full ? noRoom : spoolAway, surelyNot: stored === 0 && !unknown };
}

/** One line a mail, by which a postmaster follows its id (DESIGN §6). */
function acceptedFacts(
  { id, client, reversePath, sizeInOctets, scheduling }: MailFacts,
  envelopes: readonly Envelope[],
): object {
  const recipients = envelopes.reduce((sum, envelope) => sum + envelope.recipients.length, 0);
  return {
    mail: id,
    client: client.address,
    helo: client.helo,
    from: reversePath,
    recipients,
    size: sizeInOctets,
    ...(scheduling === undefined ? {} : { scheduling }),
  };
}
