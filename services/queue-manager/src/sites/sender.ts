/** Sends jobs to a channel, bundled, and tells what surely was not taken from what may have been. */
import { BusAway, MailboxFull, NobodyAnswers } from '@postrider/bus';
import type { Job } from '@postrider/protocol';
import type { Part } from '../mail/queue-mail.js';
import type { ShardEnvironment } from '../shard/environment.js';
import type { Channel } from './site.js';

export interface SenderOptions {
  readonly environment: ShardEnvironment;
  /** Surely not taken: no attempt was made. `gone`: nobody hosts the channel any more. */
  readonly returned: (channel: Channel, parts: readonly Part[], gone: boolean) => void;
}

/** What surrounds the contents in a message: envelopes of up to some thousand recipients. */
const envelopeReserve = 128 * 1024;

export class Sender {
  readonly #options: SenderOptions;
  readonly #bundleOctets: number;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#bundleOctets = options.environment.bus.maxPayloadInOctets - envelopeReserve;
  }

  send(channel: Channel, parts: readonly Part[]): void {
    if (parts.length === 1) void this.#sendBundle(channel, parts);
    else for (const bundle of bundles(parts, this.#bundleOctets)) void this.#sendBundle(channel, bundle);
  }

  async #sendBundle(channel: Channel, parts: readonly Part[]): Promise<void> {
    const { environment, returned } = this.#options;
    const { shard, owner, log } = environment;
    try {
      const answer = await channel.ref.ask('jobs', { shard, epoch: owner.epoch, jobs: parts.map(jobOf) });
      if (answer.result === 'taken') for (const part of parts) part.confirmed = true;
      else {
        // It ends by itself; what it took before it still delivers.
        log.debug({ channel: channel.id, text: answer.text }, 'the channel refused jobs');
        channel.closing = true;
        returned(channel, parts, false);
      }
    } catch (fault) {
      if (fault instanceof NobodyAnswers) {
        returned(channel, parts, true);
        return;
      }
      if (fault instanceof MailboxFull || fault instanceof BusAway) {
        returned(channel, parts, false);
        return;
      }
      // It may have been taken: results or the worker's beats will tell (workers.ts).
      log.debug({ channel: channel.id, fault: String(fault) }, 'jobs were not confirmed');
    }
  }
}

function* bundles(parts: readonly Part[], limit: number): Generator<readonly Part[]> {
  let bundle: Part[] = [];
  let octets = 0;
  for (const part of parts) {
    if (bundle.length > 0 && octets + part.mail.octets > limit) {
      yield bundle;
      bundle = [];
      octets = 0;
    }
    bundle.push(part);
    octets += part.mail.octets;
  }
  if (bundle.length > 0) yield bundle;
}

function jobOf({ mail, opens, attempt }: Part): Job {
  const { envelope } = mail;
  const { reversePath, body, sizeInOctets, acceptedAt, large, dsn, recipients } = envelope;
  const { scheduling, smtputf8, requireTls, submitter } = envelope;
  return {
    id: mail.id,
    attempt,
    envelope: {
      reversePath,
      body,
      sizeInOctets,
      acceptedAt,
      recipients: opens.map(({ index }) => ({ index, ...(recipients[index] ?? { forwardPath: '' }) })),
      ...(large === undefined ? {} : { large }),
      ...(dsn === undefined ? {} : { dsn }),
      ...(scheduling === undefined ? {} : { scheduling }),
      ...(smtputf8 === undefined ? {} : { smtputf8 }),
      ...(requireTls === undefined ? {} : { requireTls }),
      ...(submitter === undefined ? {} : { submitter }),
    },
    ...(mail.content === undefined ? {} : { content: mail.content }),
  };
}
