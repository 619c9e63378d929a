/** What those who ask are shown of a mail and of the shard. */
import type { Diagnostic } from '@postrider/mail';
import type { QueuedMail, QueueSummary, RecipientState, SiteState } from '@postrider/protocol';
import type { MailBook } from '../mail/mail-book.js';
import type { OpenState, QueueMail } from '../mail/queue-mail.js';
import type { Sites } from '../sites/sites.js';

export interface Holder {
  readonly shard: string;
  /** Instance name. */
  readonly owner: string;
}

export function viewOf(mail: QueueMail, { shard, owner }: Holder): QueuedMail {
  const { reversePath, sizeInOctets, recipients: all } = mail.envelope;
  const forwardPath = (index: number): string => all[index]?.forwardPath ?? '';
  const open = mail.open.map((one) => ({
    forwardPath: forwardPath(one.index),
    site: one.site ?? '',
    attempts: one.attempts,
    state: stateOf(mail, one),
  }));
  const ended = (mail.ended ?? []).map(({ index, kind, diagnostic }) => ({
    forwardPath: forwardPath(index),
    site: '',
    attempts: 0,
    state: diagnostic === undefined ? { state: kind } : { state: kind, diagnostic },
  }));
  const recipients = [...open, ...ended];
  return { id: mail.id, shard, owner, reversePath, sizeInOctets, acceptedAt: mail.acceptedAt, recipients };
}

function stateOf(mail: QueueMail, open: OpenState): RecipientState {
  const part = mail.parts.find(({ opens }) => opens.includes(open));
  if (part?.channel !== undefined) {
    const { id: channel, worker } = part.channel;
    return { state: 'in-flight', channel, worker, since: part.since };
  }
  if (part !== undefined || mail.placing > 0) return { state: 'active' };
  if (mail.held !== undefined) return { state: 'held', reason: mail.held };
  if (mail.state === 'active' && open.until === 0) return { state: 'active' };
  return { state: 'deferred', until: open.until, diagnostic: open.diagnostic ?? waitsItsTurn };
}

const waitsItsTurn: Diagnostic = { status: '4.3.2', text: 'waits for its turn' };

/** Sites shown: those with the most mail. */
const sitesShown = 100;

export function summaryOf(book: MailBook, sites: Sites, { shard, owner }: Holder): QueueSummary {
  const { active, deferred, held } = book.figures();
  const oldestAt = book.oldestAt();
  const { inFlight } = sites.figures();
  const shown = sitesOf(book, sites);
  return {
    shard,
    owner,
    active: active - inFlight,
    inFlight,
    deferred,
    held,
    sites: shown,
    ...(oldestAt === undefined ? {} : { oldestAt }),
  };
}

function sitesOf(book: MailBook, sites: Sites): QueueSummary['sites'] {
  const deferred = new Map<string, number>();
  const last = new Map<string, string>();
  for (const { site = '', diagnostic } of book.reasons()) {
    deferred.set(site, (deferred.get(site) ?? 0) + 1);
    if (diagnostic !== undefined) last.set(site, diagnostic.text);
  }
  const names = new Set([...[...sites.all()].map(({ name }) => name), ...deferred.keys()]);
  const rows = [...names].map((name) => {
    const site = sites.get(name);
    const text = site?.lastDiagnostic?.text ?? last.get(name);
    return {
      site: name,
      waiting: site?.waits ?? 0,
      deferred: deferred.get(name) ?? 0,
      channels: site?.channels.size ?? 0,
      ...(text === undefined ? {} : { lastDiagnostic: text }),
    };
  });
  return rows.sort((a, b) => b.waiting + b.deferred - a.waiting - a.deferred).slice(0, sitesShown);
}

/** @param now milliseconds since the epoch */
export function siteStates(sites: Sites, now: number): readonly SiteState[] {
  const rows = [...sites.all()].map((site) => {
    const block = site.blockedAt(now);
    return {
      site: site.name,
      waiting: site.waits,
      inFlight: site.inFlight,
      channels: site.held,
      ...(block === undefined ? {} : { blockedUntil: block.until }),
    };
  });
  return rows.sort((a, b) => b.waiting + b.channels - a.waiting - a.channels).slice(0, sitesShown);
}
