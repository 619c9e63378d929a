/**
 * From what was found about a mail's recipients to its records: the mail's own state changes at once, and what is to
 * be written, told and made of it (DSNs) is returned. No I/O.
 */
import {
  releasedAt,
  type Diagnostic,
  type DsnAction,
  type MailObject,
  type MailRecord,
} from '@postrider/mail';
import { earliestUntil, type OpenState, type QueueMail } from '../mail/queue-mail.js';
import { sharedDiagnostic } from '../mail/shared-diagnostic.js';
import type { QueuePolicy } from '../settings.js';
import { overdue } from './schedule.js';
import { endedBy, judge, type Outcome, type Verdict } from './verdict.js';

/** What became of some recipients of one mail, in one attempt. */
export interface Finding {
  readonly opens: readonly OpenState[];
  /** `overdue`: no attempt; its sender's time is over, and he is told (RFC 2852 §4.1.3). */
  readonly outcome: Outcome | 'overdue';
  readonly diagnostic: Diagnostic;
  readonly attempt: number;
  /** Milliseconds since the epoch: the site is left alone until then. */
  readonly notBefore?: number;
  /** The next hop reports what becomes of it (RFC 3461 §5.2.1). */
  readonly dsnPassedOn?: boolean;
  /** The next hop knows nothing of the time that the sender set (RFC 2852 §4.1.4.2). */
  readonly deliverByDropped?: boolean;
  /** Mail that the record brings about. */
  readonly born?: readonly MailObject[];
}

export interface ReportedRecipient {
  readonly index: number;
  readonly action: DsnAction;
  readonly diagnostic: Diagnostic;
  /** Told to everybody but who wants to hear nothing at all, whatever else was asked for. */
  readonly unasked?: true;
}

export interface Conclusion {
  readonly records: MailRecord[];
  readonly facts: Fact[];
  /** Failed now: their sender is told. */
  readonly failed: ReportedRecipient[];
  /** Done with, here: their sender is told if he wants to know, or by DELIVERBY has to. */
  readonly succeeded: ReportedRecipient[];
  /** Still waiting when the sender should hear of it for the first time. */
  readonly delayed: ReportedRecipient[];
}

/** For events. */
export interface Fact {
  readonly kind: 'deferred' | 'failed' | 'expired' | 'unknown' | 'held';
  readonly recipients: readonly string[];
  /** First recipient's index: part of the event's id. */
  readonly first: number;
  readonly attempt: number;
  readonly until: number;
  readonly diagnostic: Diagnostic;
}

export function conclude(
  mail: QueueMail,
  findings: readonly Finding[],
  policy: QueuePolicy,
  now: number,
): Conclusion {
  const conclusion: Conclusion = { records: [], facts: [], failed: [], succeeded: [], delayed: [] };
  for (const finding of findings) {
    const unknowns = finding.opens.reduce((most, open) => Math.max(most, open.unknowns), 0);
    const { outcome, notBefore = 0 } = finding;
    const verdict =
      outcome === 'overdue'
        ? { verdict: 'later' as const, kind: 'deferred' as const, until: earliestUntil(finding.opens) }
        : judge(mail, { ...finding, outcome, unknowns, notBefore }, policy, now);
    if (verdict.verdict === 'final') end(mail, finding, verdict, { conclusion, now });
    else postpone(mail, finding, verdict, { conclusion, now });
  }
  tellLate(mail, conclusion, now);
  warnOnce(mail, conclusion, policy, now);
  return conclusion;
}

interface Step {
  readonly conclusion: Conclusion;
  readonly now: number;
}

function end(
  mail: QueueMail,
  finding: Finding,
  { kind, diagnostic, expired }: Extract<Verdict, { readonly verdict: 'final' }>,
  { conclusion, now }: Step,
): void {
  const { opens, attempt, born } = finding;
  const recipients = indexesOf(opens);
  conclusion.records.push({
    kind,
    id: mail.id,
    at: now,
    recipients,
    attempt,
    diagnostic,
    ...(born === undefined ? {} : { born }),
  });
  mail.close(opens);
  mail.ended ??= [];
  for (const { index } of opens) mail.ended.push({ index, kind, diagnostic });
  const unasked = kind === 'relayed' && tellsOfRelay(mail, finding);
  const reported = recipients.map((index) => ({
    index,
    action: kind,
    diagnostic,
    ...(unasked ? { unasked } : {}),
  }));
  if (kind !== 'failed') {
    if (unasked || finding.dsnPassedOn !== true) conclusion.succeeded.push(...reported);
    return;
  }
  conclusion.failed.push(...reported);
  if (expired) conclusion.facts.push(factOf('expired', mail, opens, { attempt, until: 0, diagnostic }));
  conclusion.facts.push(factOf('failed', mail, opens, { attempt, until: 0, diagnostic }));
}

/** RFC 2852 §4.1.4: of each hop with T, and where the trace of his time is lost; also if the next hop reports as well. */
const tellsOfRelay = ({ scheduling }: QueueMail, { deliverByDropped }: Finding): boolean =>
  deliverByDropped === true || scheduling?.deliverBy?.trace === true;

function postpone(
  mail: QueueMail,
  { opens, attempt, diagnostic, outcome }: Finding,
  verdict: Exclude<Verdict, { readonly verdict: 'final' }>,
  { conclusion, now }: Step,
): void {
  const { until } = verdict;
  for (const open of opens) {
    open.attempts = attempt;
    open.until = until;
    open.unknowns = outcome === 'unknown' ? open.unknowns + 1 : 0;
    open.diagnostic = sharedDiagnostic(diagnostic);
  }
  const kind = outcome === 'unknown' ? 'unknown' : 'deferred';
  conclusion.records.push({
    kind,
    id: mail.id,
    at: now,
    recipients: indexesOf(opens),
    attempt,
    until,
    diagnostic,
  });
  conclusion.facts.push(factOf(kind, mail, opens, { attempt, until, diagnostic }));
  if (verdict.verdict !== 'hold') return;
  mail.held = verdict.reason;
  conclusion.records.push({ kind: 'hold', id: mail.id, at: now, reason: verdict.reason });
  conclusion.facts.push(factOf('held', mail, opens, { attempt, until, diagnostic }));
}

/** RFC 2852 §4.1.3: once, whatever else is said of the delay. */
function tellLate(mail: QueueMail, { records, delayed }: Conclusion, now: number): void {
  const by = mail.scheduling?.deliverBy;
  if (by?.mode !== 'N' || mail.toldLate || mail.bounce || now < by.at) return;
  if (!records.some(({ kind }) => kind === 'deferred')) return;
  mail.toldLate = mail.warned = true;
  for (const { index, diagnostic } of mail.open)
    delayed.push({ index, action: 'delayed', diagnostic: endedBy(overdue, diagnostic) });
}

/** All recipients that have waited since then are named in one warning. */
function warnOnce(
  mail: QueueMail,
  { records, delayed }: Conclusion,
  { warn }: QueuePolicy,
  now: number,
): void {
  if (mail.warned || mail.bounce || now - releasedAt(mail) < warn) return;
  if (!records.some(({ kind }) => kind === 'deferred')) return;
  mail.warned = true;
  for (const { index, diagnostic } of mail.open)
    if (diagnostic) delayed.push({ index, action: 'delayed', diagnostic });
}

function factOf(
  kind: Fact['kind'],
  mail: QueueMail,
  opens: readonly OpenState[],
  facts: Pick<Fact, 'attempt' | 'until' | 'diagnostic'>,
): Fact {
  return { kind, recipients: mail.forwardPaths(opens), first: opens[0]?.index ?? 0, ...facts };
}

const indexesOf = (opens: readonly OpenState[]): readonly number[] => opens.map(({ index }) => index);

/**
 * Records that say again what earlier ones said of the recipients still open: a mail's state in DEFER begins with
 * those that it is moved with.
 */
export function restated(
  mail: QueueMail,
  records: readonly MailRecord[],
  now: number,
): readonly MailRecord[] {
  const said = new Set(records.flatMap((record) => ('recipients' in record ? record.recipients : [])));
  return mail.open.flatMap(({ index, attempts, until, unknowns, diagnostic }): readonly MailRecord[] => {
    if (attempts === 0 || diagnostic === undefined) return [];
    const about = { id: mail.id, at: now, recipients: [index], attempt: attempts, until, diagnostic };
    // Unknown outcomes are counted by their records; the last of them may be among these already.
    const before = said.has(index) ? unknowns - 1 : unknowns;
    if (before > 0) return Array.from({ length: before }, () => ({ kind: 'unknown' as const, ...about }));
    return said.has(index) ? [] : [{ kind: 'deferred' as const, ...about }];
  });
}
