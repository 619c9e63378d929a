/**
 * What becomes of mails: findings in, records and DSNs out, and each mail to its next state - ended, resting, held, or
 * still busy with its other recipients.
 */
import { isFinal, wantsDsn, type DsnAction, type MailObject, type MailRecord } from '@postrider/mail';
import type { Announcer } from '../events.js';
import type { MailBook } from '../mail/mail-book.js';
import { earliestUntil, type QueueMail } from '../mail/queue-mail.js';
import type { Resting } from '../mail/resting.js';
import type { ShardEnvironment } from '../shard/environment.js';
import type { Batch } from './batch.js';
import type { Bounces, DsnRequest } from './bounces.js';
import { conclude, restated, type Conclusion, type Finding, type ReportedRecipient } from './conclusion.js';
import type { Journal } from './journal.js';
import { outcomeLines, type OutcomeLine } from './outcome-log.js';

/** A mail that is due again within this stays in SPOOL and in memory, while the window has plenty of room. */
const shortRest = 30_000;

export interface OutcomesOptions {
  readonly environment: ShardEnvironment;
  readonly book: MailBook;
  readonly resting: Resting;
  readonly journal: Journal;
  readonly bounces: Bounces;
  readonly announcer: Announcer;
}

type Disposal = 'record' | 'defer';

export class Outcomes {
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** The parts that the findings are about have been dropped from the mail. */
  conclude(mail: QueueMail, findings: readonly Finding[], batch: Batch): void {
    const { environment, announcer } = this.#options;
    const now = environment.clock.now();
    const conclusion = conclude(mail, findings, environment.settings().queue, now);
    for (const fact of conclusion.facts) {
      if (fact.kind === 'held') environment.log.warn({ mail: mail.id, reason: mail.held }, 'mail held');
      batch.tell(() =>
        announcer.fact(mail.id, fact.kind === 'held' ? { ...fact, diagnostic: heldBecause(mail) } : fact),
      );
    }
    this.#log(outcomeLines(mail, conclusion.records, now), batch);
    const requests = mail.bounce ? [] : dsnRequests(mail, conclusion);
    if (requests.length === 0) this.settle(mail, conclusion.records, batch);
    else this.#settleWithDsns(mail, { conclusion, requests, batch });
  }

  /** Once they are durable: what stands in the log has happened. */
  #log(lines: readonly OutcomeLine[], batch: Batch): void {
    const { log } = this.#options.environment;
    if (lines.length === 0) return;
    batch.tell(() => {
      for (const { facts, text } of lines) log.info(facts, text);
    });
  }

  /** Writes the records, and the mail to where it belongs now. */
  settle(mail: QueueMail, records: readonly MailRecord[], batch: Batch): void {
    if (mail.open.length === 0) {
      this.#options.book.to(mail, 'ended');
      batch.record(mail, records);
      return;
    }
    // The mail object is taken before its content is given back.
    const object = mail.place === 'spool' && !mail.busy ? objectOf(mail) : undefined;
    if (this.#dispose(mail) === 'record' || object === undefined) {
      batch.record(mail, records);
      return;
    }
    batch.defer(mail, object, [
      ...restated(mail, records, this.#options.environment.clock.now()),
      ...records,
    ]);
  }

  #settleWithDsns(
    mail: QueueMail,
    {
      conclusion,
      requests,
      batch,
    }: { conclusion: Conclusion; requests: readonly DsnRequest[]; batch: Batch },
  ): void {
    const { journal, announcer, environment } = this.#options;
    const object = objectOf(mail);
    const before = conclusion.records;
    const disposal = mail.open.length === 0 ? this.#end(mail) : this.#dispose(mail);
    const restating = disposal === 'defer' ? restated(mail, before, environment.clock.now()) : [];
    batch.inOrder(mail, async () => {
      let records: readonly MailRecord[] = before;
      const told: (() => void)[] = [];
      for (const request of requests) {
        const dsn = await this.#make(mail, request);
        if (dsn === undefined) return journal.record([this.#heldForDsn(mail)]);
        const { action } = request.recipients[0];
        records = withBorn(records, action, dsn);
        const to = object.envelope.reversePath;
        told.push(() => announcer.bounced({ mail: mail.id, dsn: dsn.envelope.id, to, action }));
      }
      await (disposal === 'defer'
        ? journal.defer(object, [...restating, ...records])
        : journal.record(records));
      for (const act of told) act();
    });
  }

  /** undefined: a fault of ours. The mail then is held in the log, not failed without a word. */
  async #make(mail: QueueMail, request: DsnRequest): Promise<MailObject | undefined> {
    try {
      return await this.#options.bounces.make(mail, request);
    } catch (fault) {
      this.#options.environment.log.error(
        { mail: mail.id, fault: String(fault) },
        'the DSN could not be made',
      );
      return undefined;
    }
  }

  #heldForDsn(mail: QueueMail): MailRecord {
    const at = this.#options.environment.clock.now();
    const reason = 'its DSN could not be made';
    this.#options.announcer.held(mail.id, reason, at);
    return { kind: 'hold', id: mail.id, at, reason };
  }

  #end(mail: QueueMail): Disposal {
    this.#options.book.to(mail, 'ended');
    return 'record';
  }

  /** A mail with open recipients goes on, rests, or is held; `defer`: it has to leave SPOOL. */
  #dispose(mail: QueueMail): Disposal {
    if (mail.busy) return 'record';
    const { book, resting, environment } = this.#options;
    const moves = mail.place === 'spool';
    if (mail.held !== undefined) book.to(mail, 'held');
    else {
      mail.until = earliestUntil(mail.open);
      book.to(mail, 'resting');
      resting.add(mail);
      if (moves && mail.until - environment.clock.now() <= shortRest && book.plenty()) return 'record';
    }
    mail.place = 'defer';
    book.leave(mail);
    return moves ? 'defer' : 'record';
  }
}

/** RFC 3461 §4.1: without those of whom the sender wants to hear nothing. */
const wanted = (
  { envelope }: QueueMail,
  reported: readonly ReportedRecipient[],
  about: Parameters<typeof wantsDsn>[1],
): readonly ReportedRecipient[] =>
  reported.filter(({ index, unasked }) => {
    const recipient = envelope.recipients[index];
    if (unasked === true) return recipient?.notify?.includes('NEVER') !== true;
    return recipient === undefined ? about !== 'SUCCESS' : wantsDsn(recipient, about);
  });

/**
 * At most one about what went wrong and one about what went well. A failure says more than a delay; the warning of the
 * others then comes with their next deferral.
 */
function dsnRequests(mail: QueueMail, conclusion: Conclusion): readonly DsnRequest[] {
  const { failed, delayed } = conclusion;
  const successes = wanted(mail, conclusion.succeeded, 'SUCCESS');
  // Nearly every mail goes well, and nobody asked to hear of it.
  if (failed.length + delayed.length + successes.length === 0) return [];
  const failures = wanted(mail, failed, 'FAILURE');
  const delays = wanted(mail, delayed, 'DELAY');
  if (failures.length > 0 && delays.length > 0) mail.warned = mail.toldLate = false;
  const { envelope, content } = mail;
  return [failures.length > 0 ? failures : delays, successes].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ envelope, content, recipients: [first, ...others] as const }],
  );
}

/** In the last record of that action; those of one bundle are durable together. */
function withBorn(records: readonly MailRecord[], action: DsnAction, dsn: MailObject): readonly MailRecord[] {
  const kind = action === 'delayed' ? 'deferred' : action;
  const at = records.findLastIndex((record) => record.kind === kind);
  return records.map((record, index) =>
    index === at && (isFinal(record) || record.kind === 'deferred')
      ? { ...record, born: [...(record.born ?? []), dsn] }
      : record,
  );
}

function objectOf({ envelope, content }: QueueMail): MailObject {
  return content === undefined ? { envelope } : { envelope, content };
}

const heldBecause = (mail: QueueMail) => ({ status: '4.3.0', text: mail.held ?? '' });
