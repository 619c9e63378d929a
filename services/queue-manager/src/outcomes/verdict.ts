/**
 * What follows from an attempt's outcome for the recipients it was about: all the queue's failure policy. Pure.
 * RFC 5321 §4.5.4.1 (retries, giving up), RFC 3463 (4.4.7: delivery time expired).
 */
import type { Diagnostic, MailId } from '@postrider/mail';
import type { QueuePolicy } from '../settings.js';
import { expiresAt, retryPause, unknownPause, unknownsHeld } from './schedule.js';

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
      readonly kind: 'delivered' | 'relayed' | 'expanded' | 'failed';
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
  const end = expiresAt(mail, policy);
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

/** The last reason stays readable behind our own. */
function expiredDiagnostic(last: Diagnostic): Diagnostic {
  return { ...last, status: '4.4.7', text: `delivery time expired; last: ${last.text}` };
}
