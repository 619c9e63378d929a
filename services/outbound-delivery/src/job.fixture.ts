/** Jobs for specs. */
import type { Job, RecipientOutcome } from '@postrider/protocol';

export interface JobFacts {
  readonly reversePath?: string;
  readonly to?: readonly string[];
  readonly content?: string | Buffer;
  readonly body?: Job['envelope']['body'];
  readonly scheduling?: Job['envelope']['scheduling'];
  /** Of a large content, which is then not in the job. */
  readonly largeOctets?: number;
}

/** Recipients' indexes are 0, 1, ... */
export function jobOf(id: string, facts: JobFacts = {}): Job {
  const {
    reversePath = 'me@example.org',
    to = ['you@dest.test'],
    content = `Subject: ${id}\r\n\r\n`,
    body = '7BIT',
  } = facts;
  const octets = Buffer.from(content);
  const large = { chunks: 1, octets: facts.largeOctets ?? 0, sha256: '', contentId: id };
  return {
    id,
    attempt: 1,
    envelope: {
      reversePath,
      body,
      sizeInOctets: facts.largeOctets ?? octets.length,
      acceptedAt: Date.UTC(2026, 0, 1),
      recipients: to.map((forwardPath, index) => ({ index, forwardPath })),
      ...(facts.largeOctets === undefined ? {} : { large }),
      ...(facts.scheduling === undefined ? {} : { scheduling: facts.scheduling }),
    },
    ...(facts.largeOctets === undefined ? { content: octets } : {}),
  };
}

/** `0 relayed 2.0.0 250 2.0.0 Ok` a line. */
export const shown = (outcomes: readonly RecipientOutcome[]): readonly string[] =>
  outcomes.map(
    ({ recipients, outcome, diagnostic, deliverByDropped }) =>
      `${recipients.join(',')} ${outcome} ${diagnostic.status} ${diagnostic.text}` +
      (deliverByDropped === true ? ', its time lost' : ''),
  );
