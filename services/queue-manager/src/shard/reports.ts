/**
 * Results of channels, from workers: recorded, and answered `written` only when they are. A result of a channel that
 * an owner before us opened counts as well: what is delivered is delivered.
 */
import type { ChannelReport, JobResult, RecipientOutcome } from '@postrider/protocol';
import type { MailBook } from '../mail/mail-book.js';
import type { OpenState, Part, QueueMail } from '../mail/queue-mail.js';
import { Batch } from '../outcomes/batch.js';
import type { Finding } from '../outcomes/conclusion.js';
import type { Journal } from '../outcomes/journal.js';
import type { Outcomes } from '../outcomes/outcomes.js';
import type { Dispatcher } from '../sites/dispatcher.js';
import type { Ends } from '../sites/ends.js';
import type { Channel, Site } from '../sites/site.js';
import type { Sites } from '../sites/sites.js';
import { partOf } from './placing.js';
import type { Settling } from './settling.js';

export interface ReportsOptions {
  readonly book: MailBook;
  readonly sites: Sites;
  readonly journal: Journal;
  readonly outcomes: Outcomes;
  readonly ends: Ends;
  readonly dispatcher: Dispatcher;
  readonly settling: Settling;
}

/** The report is about mail that replay has not come to yet: the worker repeats it. */
export class NotReadYet extends Error {}

export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** Resolves when all of it is durable. @throws Fenced, NotReadYet */
  async report({ channel: id, results, ended }: ChannelReport): Promise<void> {
    const { journal, sites, settling, ends, dispatcher } = this.#options;
    const channel = sites.channel(id);
    const batch = new Batch(journal);
    let strangers = 0;
    for (const result of results) if (!this.#result(channel, result, batch)) strangers++;
    if (channel?.site !== undefined) dispatcher.wake(channel.site);
    if (ended !== undefined) sites.strangerEnded(id);
    if (ended !== undefined && channel !== undefined) ends.ended(channel, ended, batch);
    await batch.flush();
    if (strangers === 0) return;
    if (settling.under) throw new NotReadYet('mail of this report has not been read yet');
    // Perhaps a repeated report, whose records are on their way.
    await journal.settled();
  }

  /** @returns false when no such mail is live */
  #result(channel: Channel | undefined, result: JobResult, batch: Batch): boolean {
    const part = channel?.inFlight.get(result.id);
    if (part !== undefined) this.#options.sites.landed(part);
    const mail = part?.mail ?? this.#options.book.get(result.id);
    if (mail === undefined || mail.state === 'ended') return mail !== undefined;
    const current = part ?? this.#adopted(mail);
    if (current === undefined) this.#late(mail, result, batch);
    else this.#landed(current, channel, result, batch);
    return true;
  }

  /** A mail of the replay that nobody claimed yet: this is its attempt. */
  #adopted(mail: QueueMail): Part | undefined {
    if (!this.#options.settling.claim(mail)) return undefined;
    const part = partOf(mail, undefined, mail.open);
    mail.addParts(part);
    return part;
  }

  #landed(part: Part, channel: Channel | undefined, { outcomes, attempt }: JobResult, batch: Batch): void {
    const { mail, site } = part;
    mail.drop(part);
    const findings: Finding[] = [];
    const untried: OpenState[] = [];
    const missing = new Set(part.opens.filter((open) => mail.open.includes(open)));
    for (const outcome of outcomes) {
      const opens = [...missing].filter(({ index }) => outcome.recipients.includes(index));
      for (const open of opens) missing.delete(open);
      if (opens.length === 0) continue;
      if (outcome.outcome === 'untried') untried.push(...opens);
      else findings.push(findingOf(opens, outcome, Math.max(attempt, part.attempt)));
      if (site !== undefined) noteAt(site, channel, outcome);
    }
    if (missing.size > 0) this.#unsaid(part, [...missing], findings);
    if (untried.length > 0) this.#again(part, untried, batch);
    if (findings.length > 0) this.#options.outcomes.conclude(mail, findings, batch);
    else if (!mail.busy && mail.state === 'active') this.#options.outcomes.settle(mail, [], batch);
  }

  /** Recipients that the result does not name. An adopted part may have been of one site only: the others still settle. */
  #unsaid(part: Part, opens: readonly OpenState[], findings: Finding[]): void {
    const { mail, site, attempt } = part;
    if (site === undefined && this.#options.settling.add(mail)) return;
    const diagnostic = { status: '4.3.0', text: 'the result did not name this recipient' };
    findings.push({ opens, outcome: 'unknown', diagnostic, attempt });
  }

  #again(part: Part, opens: readonly OpenState[], batch: Batch): void {
    const again = { ...partOf(part.mail, part.site, opens), attempt: part.attempt };
    part.mail.addParts(again);
    this.#options.ends.again(again, batch);
  }

  /** Of an attempt that was given up as unknown: a success is a fact all the same, anything else is out of date. */
  #late(mail: QueueMail, { outcomes, attempt }: JobResult, batch: Batch): void {
    const findings = outcomes.flatMap((outcome): readonly Finding[] => {
      if (outcome.outcome !== 'delivered' && outcome.outcome !== 'relayed') return [];
      const opens = mail.open.filter(({ index }) => outcome.recipients.includes(index));
      return opens.length === 0 ? [] : [findingOf(opens, outcome, attempt)];
    });
    if (findings.length === 0) return;
    const done = new Set(findings.flatMap(({ opens }) => opens));
    if (mail.open.every((open) => done.has(open))) this.#options.sites.withdraw(new Set([mail]));
    this.#options.outcomes.conclude(mail, findings, batch);
  }
}

function findingOf(
  opens: readonly OpenState[],
  { outcome, diagnostic, dsnPassedOn, deliverByDropped }: RecipientOutcome,
  attempt: number,
): Finding {
  return {
    opens,
    outcome: outcome === 'untried' ? 'unknown' : outcome,
    diagnostic,
    attempt,
    dsnPassedOn: dsnPassedOn === true,
    deliverByDropped: deliverByDropped === true,
  };
}

/** Any outcome of a mail says that the site works; what it said last is shown to those who ask. */
function noteAt(site: Site, channel: Channel | undefined, { outcome, diagnostic }: RecipientOutcome): void {
  if (outcome === 'untried' || outcome === 'unknown') return;
  if (channel !== undefined) channel.fruitful = true;
  site.worked();
  if (outcome !== 'delivered' && outcome !== 'relayed') site.lastDiagnostic = diagnostic;
}
