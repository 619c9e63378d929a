/** outbound-delivery's events: one for each attempt's outcome, one for a channel that failed. */
import type { Bus } from '@postrider/bus';
import type { Diagnostic } from '@postrider/mail';
import type { Job, RecipientOutcome } from '@postrider/protocol';

const service = 'outbound-delivery';

export interface AttemptContext {
  readonly bus: Bus;
  readonly site: string;
  readonly channel: string;
  readonly tls: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** `untried` is no attempt, and of `unknown` the queue-manager tells, which decides what follows. */
const eventOf = {
  delivered: 'delivered',
  relayed: 'relayed',
  temporary: 'refused',
  permanent: 'refused',
  unknown: undefined,
  untried: undefined,
} as const satisfies Record<RecipientOutcome['outcome'], string | undefined>;

export function attempted(context: AttemptContext, job: Job, outcomes: readonly RecipientOutcome[]): void {
  const { bus, site, channel, tls, at } = context;
  for (const { recipients, outcome, diagnostic } of outcomes) {
    const event = eventOf[outcome];
    if (event === undefined) continue;
    const facts = {
      mail: job.id,
      recipients: forwardPathsOf(job, recipients),
      site,
      channel,
      diagnostic,
      ms: at - job.envelope.acceptedAt,
      ...(tls === undefined ? {} : { tls }),
    };
    bus.publishEvent(service, event, facts, {
      id: `${job.id}:${event}:${job.attempt}:${recipients[0] ?? 0}`,
      at,
    });
  }
}

export function channelFailed(bus: Bus, site: string, channel: string, diagnostic: Diagnostic): void {
  bus.publishEvent(service, 'channel_failed', { site, channel, diagnostic });
}

function forwardPathsOf({ envelope }: Job, indexes: readonly number[]): readonly string[] {
  const { recipients } = envelope;
  if (indexes.length === recipients.length) return recipients.map(({ forwardPath }) => forwardPath);
  const wanted = new Set(indexes);
  return recipients.filter(({ index }) => wanted.has(index)).map(({ forwardPath }) => forwardPath);
}
