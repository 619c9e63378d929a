/** When a mail is tried again. Pure; the jitter follows from the mail's id, so that a replay computes the same. */
import { releasedAt, type Diagnostic, type MailId, type Scheduled } from '@postrider/mail';
import { fnv1a } from '../routing/site-name.js';
import type { QueuePolicy } from '../settings.js';

/** Each pause is up to this share shorter or longer: mails deferred together do not come back together. */
const jitter = 0.1;

/** Pauses after the first, second, … attempt of unknown outcome in a row; after `unknownsHeld` the mail is held. */
const unknownPauses = [5_000, 60_000] as const;
/** A reply that kills workers must not circulate. */
export const unknownsHeld = 3;

/** @param attempts made so far, at least 1; @returns milliseconds until the next */
export function retryPause(attempts: number, id: MailId, { retry }: QueuePolicy): number {
  const pause = Math.min(retry.max, retry.first * 2 ** Math.min(attempts - 1, 40));
  const spread = fnv1a(`${id}:${attempts}`) / 0x1_0000_0000;
  return Math.round(pause * (1 - jitter + 2 * jitter * spread));
}

/** @param unknowns in a row, at least 1 */
export function unknownPause(unknowns: number): number {
  return unknownPauses[Math.min(unknowns, unknownPauses.length) - 1] ?? unknownPauses[0];
}

export const expiresAt = (mail: Scheduled & { readonly bounce: boolean }, policy: QueuePolicy): number =>
  releasedAt(mail) + (mail.bounce ? policy.expire_bounces : policy.expire);

/**
 * Was the delay warning sent before the takeover? The last deferral's time follows from the schedule, so it need not
 * be stored; an administrator's retry in between can cost a second warning.
 */
export function wasWarned(
  mail: Scheduled & { readonly id: MailId },
  { attempts, until }: { readonly attempts: number; readonly until: number },
  policy: QueuePolicy,
): boolean {
  return attempts > 0 && until - retryPause(attempts, mail.id, policy) >= releasedAt(mail) + policy.warn;
}

/** Was its sender told before the takeover that his time is over? By the last deferral's reason, or its time. */
export function wasToldLate(
  mail: Scheduled & { readonly id: MailId },
  open: { readonly attempts: number; readonly until: number; readonly diagnostic: Diagnostic | undefined },
  policy: QueuePolicy,
): boolean {
  const at = mail.scheduling?.deliverBy?.at;
  if (at === undefined) return false;
  const { attempts, until, diagnostic } = open;
  return (
    diagnostic?.status === overdue.status ||
    (attempts > 0 && until - retryPause(attempts, mail.id, policy) >= at)
  );
}

/** RFC 2852 §4.1.3, to a sender who is told and whose mail goes on being tried. */
export const overdue: Diagnostic = {
  status: '4.4.7',
  text: 'not delivered by the time the sender set; still tried',
};
/** RFC 2852 §4.1.3, to one whose mail goes back. */
export const tooLate: Diagnostic = { status: '5.4.7', text: 'not delivered by the time the sender set' };
