/**
 * What follows from an attempt's outcome for the recipients it was about: all the queue's failure policy. Pure.
 * RFC 5321 §4.5.4.1 (retries, giving up), RFC 3463 (4.4.7: delivery time expired).
 */
import { isTooLate, type Diagnostic, type FinalKind, type MailId, type Scheduling } from '@postrider/mail';
import type { QueuePolicy } from '../settings.js';
import { expiresAt, retryPause, tooLate, unknownPause, unknownsHeld } from './schedule.js';

export type Outcome = 'delivered' | 'relayed' | 'expanded' | 'temporary' | 'permanent' | 'unknown';

export interface Attempt {
  readonly outcome: Outcome;
  readonly diagnostic: Diagnostic;
  /** This attempt's number. */
  readonly attempt: number;
  /** Of unknown outcome in a row, before this one. */
  readonly unknowns: number;
  /** The site is left alone until then, milliseconds since the epoch. */
  readonly notBefore: number;
}

export type Verdict =
  | {
      readonly verdict: 'final';
      readonly kind: FinalKind;
      readonly diagnostic: Diagnostic;
      readonly expired: boolean;
    }
  | { readonly verdict: 'later'; readonly kind: 'deferred' | 'unknown'; readonly until: number }
  | { readonly verdict: 'hold'; readonly until: number; readonly reason: string };

export interface Judged {
  readonly id: MailId;
  readonly acceptedAt: number;
  /** Null reverse-path: a bounce, which expires earlier. */
  readonly bounce: boolean;
  readonly scheduling?: Scheduling | undefined;
}

/** @param now milliseconds since the epoch */
export function judge(mail: Judged, attempt: Attempt, policy: QueuePolicy, now: number): Verdict {
  const { outcome, diagnostic } = attempt;
  switch (outcome) {
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return { verdict: 'final', kind: outcome, diagnostic, expired: false };
    case 'permanent':
      return { verdict: 'final', kind: 'failed', diagnostic, expired: false };
    case 'temporary':
      return temporary(mail, attempt, policy, now);
    case 'unknown':
      return unknown(attempt, now);
  }
}

function temporary(
  mail: Judged,
  { attempt, diagnostic, notBefore }: Attempt,
  policy: QueuePolicy,
  now: number,
): Verdict {
  if (isTooLate(mail, now))
    return { verdict: 'final', kind: 'failed', diagnostic: endedBy(tooLate, diagnostic), expired: true };
  const end = endOf(mail, policy);
  if (now >= end)
    return { verdict: 'final', kind: 'failed', diagnostic: expiredDiagnostic(diagnostic), expired: true };
  // One last attempt when the time is over, and no pause beyond it.
  const until = Math.min(
    Math.max(now + retryPause(attempt, mail.id, policy), notBefore),
    Math.max(end, now + 1),
  );
  return { verdict: 'later', kind: 'deferred', until };
}

function unknown({ unknowns }: Attempt, now: number): Verdict {
  if (unknowns + 1 >= unknownsHeld) {
    return {
      verdict: 'hold',
      until: now,
      reason: `${unknownsHeld} attempts in a row ended with unknown outcome`,
    };
  }
  return { verdict: 'later', kind: 'unknown', until: now + unknownPause(unknowns + 1) };
}

/** No attempt after the time that the sender set (RFC 2852 §4.1.3). */
function endOf(mail: Judged, policy: QueuePolicy): number {
  const end = expiresAt(mail, policy);
  const by = mail.scheduling?.deliverBy;
  return by?.mode === 'R' ? Math.min(end, by.at) : end;
}

/** The last reason stays readable behind our own. */
const expiredDiagnostic = (last: Diagnostic): Diagnostic =>
  endedBy({ status: '4.4.7', text: 'delivery time expired' }, last);

/** @param last undefined: there was no attempt */
export const endedBy = ({ status, text }: Diagnostic, last: Diagnostic | undefined): Diagnostic => ({
  ...last,
  status,
  text: last === undefined ? text : `${text}; last: ${last.text}`,
});
