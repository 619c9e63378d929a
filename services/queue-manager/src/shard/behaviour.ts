/**
 * The shard as an actor, `mta.v1.shard.<s>.<message>`: what others may say to its owner. Hosted from the moment the
 * lease is taken, so that a challenger hears from us; the queue is there once the logs are read.
 */
import type { Behaviour, Handlers } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import type { ChannelReport, MailFilter, QueuedMail, shard } from '@postrider/protocol';
import { Fenced } from '@postrider/spool';
import type { GrantRequest } from '../sites/site-limit.js';
import { matcher } from './filter.js';
import { quarantine } from './quarantine.js';
import { NotReadYet } from './reports.js';
import type { ShardQueue } from './shard-queue.js';
import type { Beat } from './workers.js';
import { siteStates, summaryOf, viewOf, type Holder } from './view.js';

type ShardMessages = (typeof shard)['messages'];

export interface ShardHost extends Holder {
  readonly queue: ShardQueue | undefined;
}

/** Of a content in an answer: the rest of the message is small. */
const contentShown = 512 * 1024;

export function shardBehaviour(host: ShardHost): Behaviour<ShardMessages> {
  return () => ({ handlers: { ...traffic(host), ...questions(host), ...acts(host) } });
}

/** Thrown to those who ask while the logs are read: they ask again. */
class NotYet extends Error {}

function queueOf({ queue, shard: name }: ShardHost): ShardQueue {
  if (queue === undefined) throw new NotYet(`shard ${name} is being taken over`);
  return queue;
}

type Traffic = Pick<
  Handlers<ShardMessages>,
  'hint' | 'report' | 'beat' | 'ended' | 'grant' | 'claims' | 'who'
>;

function traffic(host: ShardHost): Traffic {
  return {
    hint: () => host.queue?.environment.owner.wake(),
    report: (report) => reported(host, report),
    beat: (beat) => beaten(host, beat),
    ended: ({ worker }) => host.queue?.workerEnded(worker),
    grant: (request) => granted(host, request),
    claims: (asked) => ({ epoch: host.queue?.environment.owner.epoch ?? 0, ...host.queue?.claims(asked) }),
    who: () => ({ owner: host.owner, epoch: host.queue?.environment.owner.epoch ?? 0 }),
  };
}

/**
 * Noted: it can't count as lost for a while, also while the logs are read. An owner whose lease is not renewed may be cut
 * off together with the worker, and has no say in that: the next one does not hear it.
 */
function beaten({ queue }: ShardHost, beat: Beat) {
  queue?.beat(beat);
  return { result: queue?.environment.notesBeats() === false ? ('not-owner' as const) : ('noted' as const) };
}

/** `not-owner`: not now; the worker keeps its results and repeats them. */
async function reported({ queue }: ShardHost, report: ChannelReport) {
  if (queue === undefined) return { result: 'not-owner' as const };
  try {
    await queue.report(report);
    return { result: 'written' as const };
  } catch (fault) {
    if (fault instanceof NotReadYet || fault instanceof Fenced) return { result: 'not-owner' as const };
    throw fault;
  }
}

const notKnown = { channels: 0, duration: 0, unknown: true } as const;

async function granted({ queue }: ShardHost, request: GrantRequest) {
  // One that is not surely the owner any more must not grant beside the next.
  if (queue?.environment.trusted() !== true) return notKnown;
  const grant = await queue.limit.asked(request);
  return grant === undefined ? notKnown : { ...grant, epoch: queue.environment.owner.epoch };
}

type Questions = Pick<Handlers<ShardMessages>, 'lookup' | 'list' | 'show' | 'summary' | 'sites'>;

function questions(host: ShardHost): Questions {
  return {
    lookup: ({ id }) => {
      const mail = queueOf(host).book.lookup(id);
      return mail === undefined ? {} : { mail: viewOf(mail, host) };
    },
    list: ({ filter, limit }) => list(host, filter, limit),
    show: ({ id }) => show(host, id),
    summary: () => summaryOf(queueOf(host).book, queueOf(host).sites, host),
    sites: () => ({
      sites: siteStates(queueOf(host).sites, queueOf(host).environment.clock.now()),
      limits: queueOf(host).limit.states(),
    }),
  };
}

type Acts = Pick<Handlers<ShardMessages>, 'retry' | 'hold' | 'release' | 'delete' | 'quarantine'>;

function acts(host: ShardHost): Acts {
  const done = (ids: readonly MailId[]) => ({ result: 'done' as const, ids });
  return {
    quarantine: (act) => quarantine(queueOf(host).environment, act),
    retry: async ({ filter }) => done(await queueOf(host).acts.retry(filter)),
    hold: async ({ filter, reason }) => done(await queueOf(host).acts.hold(filter, reason)),
    release: async ({ filter }) => done(await queueOf(host).acts.release(filter)),
    delete: async ({ filter, by }) => done(await queueOf(host).acts.delete(filter, by)),
  };
}

function list(
  host: ShardHost,
  filter: MailFilter,
  limit: number,
): { mails: readonly QueuedMail[]; more: boolean } {
  const matches = matcher(filter);
  const mails: QueuedMail[] = [];
  for (const mail of queueOf(host).book.candidates(filter)) {
    if (!matches(mail)) continue;
    if (mails.length >= limit) return { mails, more: true };
    mails.push(viewOf(mail, host));
  }
  return { mails, more: false };
}

async function show(host: ShardHost, id: MailId) {
  const { book, environment } = queueOf(host);
  const mail = book.peek(id);
  if (mail === undefined) return {};
  const { envelope } = mail;
  const content =
    mail.content ?? (mail.large ? undefined : await environment.owner.content(id).catch(() => undefined));
  const shown = content === undefined ? {} : { content: content.subarray(0, contentShown) };
  return { mail: viewOf(mail, host), envelope, ...shown };
}
