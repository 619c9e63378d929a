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

export function attempted(context: AttemptContext, job: Job, outcomes: readonly RecipientOutcome[]): void {
  const { bus, site, channel, tls, at } = context;
  for (const { recipients, outcome, diagnostic } of outcomes) {
    if (outcome === 'untried') continue;
    const event = outcome === 'delivered' || outcome === 'relayed' ? outcome : 'refused';
    const facts = {
      mail: job.id,
      recipients: recipients.map(
        (index) => job.envelope.recipients.find((recipient) => recipient.index === index)?.forwardPath ?? '',
      ),
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
