/** Queued mail as people read it. Pure: the time is given. */
import type { QueuedMail, QueueSummary, RecipientState } from '@postrider/protocol';
import { clockTime, counted, size, span, table } from './table.js';

const namedAtMost = 5;

/** Of recipients those that wait: the list is of what waits. */
export function listTable(mails: readonly QueuedMail[], now: number): string {
  const rows = mails.flatMap((mail) =>
    mail.recipients
      .filter(waits)
      .map(({ forwardPath, state, attempts }) => [
        mail.id,
        span(now - mail.acceptedAt),
        size(mail.sizeInOctets),
        `<${mail.reversePath}>`,
        forwardPath,
        String(attempts),
        stateText(state, now),
      ]),
  );
  return table([['id', 'age', 'size', 'from', 'to', 'tries', 'state'], ...rows]);
}

export const waits = ({ state: { state } }: Recipient): boolean =>
  state === 'active' || state === 'in-flight' || state === 'deferred' || state === 'held';

/** Where a recipient stands; one that has ended, or has no way yet, has no site. */
export function recipientText(recipient: Recipient, now: number): string {
  return recipient.forwardPath + standing(recipient, now);
}

function standing({ site, attempts, state }: Recipient, now: number): string {
  const way = site === '' ? '' : ` via ${site}`;
  const tries = site === '' && attempts === 0 ? '' : `, ${counted(attempts, 'try', 'tries')}`;
  return `${way}${tries}: ${stateText(state, now)}`;
}

/**
 * A line for all who stand alike, since a list has hundreds of them.
 * @param first who is named first where only some are
 */
export function recipientLines(recipients: readonly Recipient[], now: number, first = ''): readonly string[] {
  const alike = new Map<string, string[]>();
  for (const recipient of recipients) {
    const text = standing(recipient, now);
    const paths = alike.get(text) ?? [];
    paths.push(recipient.forwardPath);
    alike.set(text, paths);
  }
  return [...alike].map(([text, paths]) => fewOf(paths, first).join(', ') + text);
}

/** Of many some, and how many more. @param first who is among them in any case */
export function fewOf(paths: readonly string[], first = ''): readonly string[] {
  const more = paths.length - namedAtMost;
  if (more <= 0) return paths;
  const isFirst = (path: string): boolean => path.toLowerCase() === first.toLowerCase();
  const ordered = [...paths.filter(isFirst), ...paths.filter((path) => !isFirst(path))];
  return [...ordered.slice(0, namedAtMost), `… and ${more} more`];
}

type Recipient = QueuedMail['recipients'][number];

export function stateText(state: RecipientState, now: number): string {
  switch (state.state) {
    case 'active':
      return 'waits its turn';
    case 'in-flight':
      return `on its way since ${span(now - state.since)}, ${state.channel}`;
    case 'deferred':
      return `deferred, next try ${clockTime(state.until, now)} (in ${span(Math.max(0, state.until - now))}): ${state.diagnostic.text}`;
    case 'held':
      return `held: ${state.reason}`;
    default:
      return state.diagnostic === undefined ? state.state : `${state.state}: ${state.diagnostic.text}`;
  }
}

export interface Totals {
  readonly active: number;
  readonly inFlight: number;
  readonly deferred: number;
  readonly held: number;
}

export function summaryTable(shards: readonly QueueSummary[], totals: Totals, now: number): string {
  const rows = shards.map(({ shard, owner, active, inFlight, deferred, held, oldestAt }) => [
    shard,
    String(active),
    String(inFlight),
    String(deferred),
    String(held),
    oldestAt === undefined ? '-' : span(now - oldestAt),
    owner,
  ]);
  const all = [
    'all',
    String(totals.active),
    String(totals.inFlight),
    String(totals.deferred),
    String(totals.held),
    '',
    '',
  ];
  const sites = shards.flatMap((shard) => shard.sites);
  const shown = sites.toSorted((a, b) => b.waiting + b.deferred - a.waiting - a.deferred).slice(0, 20);
  const siteRows = shown.map(({ site, waiting, deferred, channels, lastDiagnostic }) => [
    site === '' ? '(no way yet)' : site,
    String(waiting),
    String(deferred),
    String(channels),
    lastDiagnostic ?? '',
  ]);
  return [
    table([['shard', 'active', 'in flight', 'deferred', 'held', 'oldest', 'owner'], ...rows, all]),
    ...(siteRows.length === 0
      ? []
      : ['', table([['site', 'waiting', 'deferred', 'channels', 'last said'], ...siteRows])]),
  ].join('\n');
}

export function showText(mail: QueuedMail, content: Uint8Array | undefined, now: number): string {
  const head = [
    `mail      ${mail.id}`,
    `from      <${mail.reversePath}>`,
    `accepted  ${clockTime(mail.acceptedAt, now)} (${span(now - mail.acceptedAt)} ago), ${size(mail.sizeInOctets)}`,
    `shard     ${mail.shard}, owned by ${mail.owner}`,
  ];
  const recipients = recipientLines(mail.recipients, now).map((line) => `to        ${line}`);
  return [...head, ...recipients, ...(content === undefined ? [] : ['', contentText(content)])].join('\n');
}

/** A screen or so of the content; control characters can't reach the terminal. */
export function contentText(content: Uint8Array): string {
  const text = Buffer.from(content).toString('utf8', 0, 8192).replaceAll('\r\n', '\n');
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?');
}

export type Act = 'retry' | 'hold' | 'release' | 'delete';

type Standing = 'in-flight' | 'active' | 'deferred' | 'held';

/** By what holds the whole mail up: retry, release and hold are acts on it, not on one recipient. */
function standingOf({ recipients }: QueuedMail): Standing {
  const has = (name: Standing): boolean => recipients.some(({ state }) => state.state === name);
  return (['held', 'in-flight', 'active'] as const).find(has) ?? 'deferred';
}

/** Of one mail, and behind the number of several. */
const reasons: Readonly<Record<Standing | 'changed', readonly [string, string]>> = {
  'in-flight': ['it is on its way', 'on the way'],
  active: ['it waits its turn', 'waiting for a turn'],
  // What was deferred for another reason has been retried.
  deferred: [
    'it is deferred, since just now or as its sender wants (FUTURERELEASE)',
    'deferred, since just now or as the sender wants (FUTURERELEASE)',
  ],
  held: ['it is held', 'held'],
  changed: ['it has changed just now', 'changed just now'],
};

/** Where mails stand that an act has passed over; elsewhere they have come to stand since. */
const passedOver: Readonly<Record<Act, readonly Standing[]>> = {
  retry: ['in-flight', 'active', 'deferred', 'held'],
  hold: ['held'],
  release: ['in-flight', 'active', 'deferred'],
  delete: [],
};

/**
 * Why an act found nothing to do.
 * @param matching the mails that wait now, and that the filter names
 */
export function whyNone(act: Act, matching: readonly QueuedMail[]): string {
  if (matching.length === 0) return 'no mail that waits matches';
  const one = matching.length === 1;
  const standings = matching.map(standingOf);
  if (act === 'release' && !standings.includes('held'))
    return one ? 'it is not held' : `none of ${matching.length} that match is held`;
  const counts = new Map<Standing | 'changed', number>();
  for (const standing of standings) {
    const reason = passedOver[act].includes(standing) ? standing : 'changed';
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const text = [...counts]
    .map(([reason, count]) => (one ? reasons[reason][0] : `${count} ${reasons[reason][1]}`))
    .join(', ');
  return act === 'retry' && counts.has('held') ? `${text}; 'queue release' has held mail tried again` : text;
}
