/**
 * Delivery status notifications (RFC 3464) for the sender of a mail: made before the record that causes them is
 * written, since they travel in it. Never for a null reverse-path (RFC 5321 §4.5.5): such a mail's failure is an event only.
 */
import { createHash } from 'node:crypto';
import {
  buildDsn,
  derivedMailId,
  type DsnAction,
  type DsnRecipient,
  type Envelope,
  type MailId,
  type MailObject,
} from '@postrider/mail';
import type { QueueMail } from '../mail/queue-mail.js';
import { nameOrLocalhost } from '../settings.js';
import type { ShardEnvironment } from '../shard/environment.js';
import type { ReportedRecipient } from './conclusion.js';
import { expiresAt } from './schedule.js';

export interface DsnRequest {
  readonly envelope: Envelope;
  readonly content: Uint8Array | undefined;
  readonly recipients: readonly [ReportedRecipient, ...ReportedRecipient[]];
}

export class Bounces {
  readonly #environment: ShardEnvironment;

  constructor(environment: ShardEnvironment) {
    this.#environment = environment;
  }

  async make(mail: QueueMail, { envelope, content, recipients }: DsnRequest): Promise<MailObject> {
    const { clock, settings } = this.#environment;
    const { hostname, postmaster, queue } = settings();
    const at = clock.now();
    const { original, whole } = await this.#original(mail, { envelope, content, recipients });
    const dsnRecipient = ({ index, action, diagnostic }: ReportedRecipient): DsnRecipient => ({
      finalRecipient: envelope.recipients[index]?.forwardPath ?? '',
      ...originalOf(envelope, index),
      action,
      diagnostic,
      lastAttemptAt: at,
      ...(action === 'delayed' ? { willRetryUntil: expiresAt(mail, queue) } : {}),
    });
    const [first, ...others] = recipients;
    return buildDsn({
      id: dsnId(mail, first.action, recipients),
      cause: envelope,
      original,
      whole,
      recipients: [dsnRecipient(first), ...others.map(dsnRecipient)],
      hostname: nameOrLocalhost(hostname),
      postmaster,
      at,
    });
  }

  /** What goes back of the mail: of a failure all of it, if the sender wants it (RFC 3461 §6.2). */
  async #original(
    mail: QueueMail,
    { envelope, content, recipients }: DsnRequest,
  ): Promise<{ readonly original: Uint8Array; readonly whole: boolean }> {
    const original = content ?? (await this.#contentStart(mail, envelope));
    const failed = recipients.some(({ action }) => action === 'failed');
    const { dsn, large, body, requireTls } = envelope;
    // A large one has no room in the record that the DSN travels in, and a binary one is no part of a mail in lines; RFC 3461 §6.2 lets its header section do.
    // RFC 8689 §5: RET=FULL is disregarded for REQUIRETLS.
    const mayReturn =
      requireTls !== true && large === undefined && body !== 'BINARYMIME' && original.length > 0;
    const whole = failed && dsn?.ret === 'FULL' && mayReturn;
    return { original, whole };
  }

  /** Enough to find the header in; nothing when it can't be read: a DSN without it is better than none. */
  async #contentStart(mail: QueueMail, { large }: Envelope): Promise<Uint8Array> {
    const { owner, spool, shard, log } = this.#environment;
    try {
      if (large === undefined) return await owner.content(mail.id);
      for await (const chunk of spool.largeContent(shard, large)) return chunk;
    } catch (fault) {
      log.warn({ mail: mail.id, fault: String(fault) }, 'the DSN goes without the original header');
    }
    return new Uint8Array();
  }
}

function originalOf(envelope: Envelope, index: number): Pick<DsnRecipient, 'alias' | 'originalRecipient'> {
  const { original, orcpt } = envelope.recipients[index] ?? {};
  return {
    ...(original === undefined ? {} : { alias: original }),
    ...(orcpt === undefined ? {} : { originalRecipient: orcpt }),
  };
}

/** Follows from its cause: a replay makes the same mail, not a second one. */
function dsnId(mail: QueueMail, action: DsnAction, recipients: readonly ReportedRecipient[]): MailId {
  const indexes = recipients.map(({ index }) => index).join(',');
  const digest = createHash('sha256').update(`${mail.id} ${action} ${indexes}`).digest();
  return derivedMailId(mail.acceptedAt, digest.subarray(0, 8));
}
