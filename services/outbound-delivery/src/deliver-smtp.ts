/** Delivery by SMTP or LMTP: a session that is opened once and reused until it is idle, worn out or lost. */
import type { ChannelEnd, Destination, Job } from '@postrider/protocol';
import type { Delivery, JobSource } from './channel.js';
import { openSession, SiteFailed } from './open-session.js';
import { timeouts } from './smtp-connection.js';
import { Transfer } from './transfer.js';
import { SessionLost } from './trouble.js';
import type { ReadySession } from './greet.js';

export interface SmtpSettings {
  readonly ehlo: string;
  readonly families: readonly number[];
  readonly tls: boolean;
  readonly largeContent: (job: Job) => AsyncIterable<Uint8Array>;
}

/** A session is not kept for ever: next hops move, and balancers like to share anew. */
const mailsPerSession = 1000;

export function deliverBySmtp(
  destination: Extract<Destination, { readonly nextHops: unknown }>,
  settings: SmtpSettings,
): Delivery {
  return async (jobs) => {
    const lmtp = destination.kind === 'lmtp';
    let session: ReadySession;
    try {
      session = await openSession(destination.nextHops, settings.families, {
        lmtp,
        ehlo: settings.ehlo,
        tls: settings.tls,
      });
    } catch (error) {
      if (!(error instanceof SiteFailed)) throw error;
      return { reason: error.permanent ? 'site-permanent' : 'site-temporary', diagnostic: error.diagnostic };
    }
    jobs.setTls(session.connection.tls);
    session.connection.onLost(() => jobs.interrupt());
    return transferAll(session, lmtp, jobs, settings);
  };
}

async function transferAll(
  session: ReadySession,
  lmtp: boolean,
  jobs: JobSource,
  { largeContent }: SmtpSettings,
): Promise<ChannelEnd> {
  const { connection } = session;
  const next = (): Job | undefined => (transfer.mails < mailsPerSession ? jobs.now() : undefined);
  const transfer = new Transfer({
    session,
    lmtp,
    next,
    done: (job, outcomes) => jobs.done(job, outcomes),
    largeContent,
  });
  try {
    while (!transfer.ended && !connection.lost && transfer.mails < mailsPerSession) {
      const job = await jobs.next();
      if (!job) break;
      await transfer.run(job);
    }
  } catch (error) {
    if (!(error instanceof SessionLost)) throw error;
    return { reason: 'lost', diagnostic: error.diagnostic };
  }
  const reason = jobs.closing || transfer.ended || transfer.mails >= mailsPerSession ? 'closed' : 'idle';
  await quit(session);
  return { reason };
}

/** RFC 5321 §4.1.1.10: waits for the reply, but not for long. */
async function quit({ connection }: ReadySession): Promise<void> {
  try {
    if (connection.lost) return;
    connection.write(['QUIT\r\n']);
    await connection.reply(timeouts.quit);
  } catch {
    // It is over either way.
  } finally {
    connection.end();
  }
}
