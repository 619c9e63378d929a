/** One job into the Maildirs of its recipients, and what came of it. */
import type { Diagnostic } from '@postrider/mail';
import type { Job, JobRecipient, RecipientOutcome } from '@postrider/protocol';
import type { LargeContentReader } from '../delivery.js';
import { returnPathRemoved, withoutReturnPath } from '../return-path.js';
import { FolderSync } from './folder-sync.js';
import type { Deliver } from './local-delivery.js';
import { codeOf, deliverToMaildir, NoMaildir } from './maildir.js';

export interface MaildirSettings {
  readonly folder: string;
  /** In file names: the same for all workers, so that a mail has one name. */
  readonly hostname: string;
  readonly largeContent: LargeContentReader;
}

export function maildirs({ folder, hostname, largeContent }: MaildirSettings): Deliver {
  const sync = new FolderSync();
  const deliverTo = async (job: Job, { index, forwardPath }: JobRecipient): Promise<Verdict> => {
    const { acceptedAt, reversePath } = job.envelope;
    try {
      const name = `${Math.floor(acceptedAt / 1000)}.${job.id}-${index}.${hostname}`;
      const content =
        job.content === undefined ? returnPathRemoved(largeContent(job)) : [withoutReturnPath(job.content)];
      await deliverToMaildir(folder, { name, reversePath, acceptedAt, content, forwardPath }, sync);
      return { outcome: 'delivered', diagnostic: { status: '2.0.0', text: 'delivered to Maildir' } };
    } catch (error) {
      return verdictOn(error);
    }
  };
  return async (job) => {
    const outcomes: RecipientOutcome[] = [];
    for (const recipient of job.envelope.recipients)
      outcomes.push({ recipients: [recipient.index], ...(await deliverTo(job, recipient)) });
    return outcomes;
  };
}

type Verdict = Omit<RecipientOutcome, 'recipients'>;

/** RFC 3463 §3.2: X.1.3 a bad mailbox address. */
const verdictOn = (error: unknown): Verdict =>
  error instanceof NoMaildir
    ? { outcome: 'permanent', diagnostic: { status: '5.1.3', text: error.message } }
    : { outcome: 'temporary', diagnostic: systemFailure(error) };

/** RFC 3463 §3.4: X.3.1 the mail system is full, X.3.0 other. Paths of ours stay out of what a sender reads. */
function systemFailure(error: unknown): Diagnostic {
  const code = codeOf(error);
  const status = code === 'ENOSPC' || code === 'EDQUOT' ? '4.3.1' : '4.3.0';
  return { status, text: `Maildir: ${code ?? (error instanceof Error ? error.message : String(error))}` };
}
