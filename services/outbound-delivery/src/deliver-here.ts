/** Delivery on this machine: into Maildirs, or nowhere. */
import type { Diagnostic } from '@postrider/mail';
import type { Job, JobRecipient, RecipientOutcome } from '@postrider/protocol';
import type { Delivery } from './channel.js';
import { deliverToMaildir, NoMaildir } from './maildir.js';

/** Each waits for three syncs: several share the disk's time. */
const mailsAtOnce = 16;

export function deliverToMaildirs(
  folder: string,
  hostname: string,
  largeContent: (job: Job) => AsyncIterable<Uint8Array>,
): Delivery {
  return async (jobs) => {
    const underWay = new Set<Promise<void>>();
    const start = (job: Job): void => {
      const delivery: Promise<void> = deliverJob(job, folder, hostname, largeContent)
        .then((outcomes) => jobs.done(job, outcomes))
        .finally(() => underWay.delete(delivery));
      underWay.add(delivery);
    };
    for (let job = await jobs.next(); job; job = await jobs.next()) {
      start(job);
      while (underWay.size >= mailsAtOnce) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    return { reason: jobs.closing ? 'closed' : 'idle' };
  };
}

export const discard: Delivery = async (jobs) => {
  for (let job = await jobs.next(); job; job = await jobs.next()) {
    const recipients = job.envelope.recipients.map(({ index }) => index);
    jobs.done(job, [
      { recipients, outcome: 'delivered', diagnostic: { status: '2.0.0', text: 'discarded by route' } },
    ]);
  }
  return { reason: jobs.closing ? 'closed' : 'idle' };
};

async function deliverJob(
  job: Job,
  folder: string,
  hostname: string,
  largeContent: (job: Job) => AsyncIterable<Uint8Array>,
): Promise<readonly RecipientOutcome[]> {
  const outcomes: RecipientOutcome[] = [];
  for (const recipient of job.envelope.recipients) {
    const name = `${job.id}-${recipient.index}.${hostname}`;
    const content = job.content ? [job.content] : largeContent(job);
    const mail = { name, reversePath: job.envelope.reversePath, forwardPath: recipient.forwardPath, content };
    outcomes.push(await outcomeOf(deliverToMaildir(folder, mail), recipient));
  }
  return outcomes;
}

async function outcomeOf(delivery: Promise<void>, { index }: JobRecipient): Promise<RecipientOutcome> {
  const recipients = [index];
  try {
    await delivery;
    return {
      recipients,
      outcome: 'delivered',
      diagnostic: { status: '2.0.0', text: 'delivered to Maildir' },
    };
  } catch (error) {
    if (error instanceof NoMaildir)
      return { recipients, outcome: 'permanent', diagnostic: { status: '5.1.3', text: error.message } };
    return { recipients, outcome: 'temporary', diagnostic: systemFailure(error) };
  }
}

/** RFC 3463 §3.4: X.3.1 the mail system is full; X.3.0 other. Paths of ours stay out of what a sender reads. */
function systemFailure(error: unknown): Diagnostic {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return { status: '4.3.1', text: `Maildir: ${code}` };
  return {
    status: '4.3.0',
    text: `Maildir: ${code ?? (error instanceof Error ? error.message : String(error))}`,
  };
}
