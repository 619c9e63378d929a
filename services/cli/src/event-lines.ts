/** Events as lines that a tired postmaster reads at night. */
import type { EventRecord } from '@postrider/protocol';
import { clockTime, elapsed, size } from './table.js';

/** Fields that every event has, or that stand elsewhere in the line. */
const known = new Set(['id', 'at', 'service', 'instance', 'event', 'mail']);

/** `09:30:12 queue-manager     deferred   0123… you@dest.test: 451 4.7.1 later` */
/** @param now milliseconds since the epoch: what is not of today gets its date */
export function eventLine(record: EventRecord, now: number): string {
  const mail = record.mail === undefined ? '' : `${record.mail}  `;
  return `${clockTime(Date.parse(record.at), now)}  ${record.service.padEnd(17)}  ${record.event.padEnd(14)}  ${mail}${facts(record, now)}`.trimEnd();
}

/** What an event says besides which it is, in words. */
export function facts(record: EventRecord, now: number): string {
  const text = (key: string): string => wordOf(record[key]);
  const number = (key: string): number => (typeof record[key] === 'number' ? record[key] : NaN);
  const recipients = listOf(record['recipients']);
  const said = diagnosticText(record['diagnostic']);
  switch (record.event) {
    case 'accepted':
      return `<${text('reversePath')}> for ${recipients}${after(' by ', listOf(record['given']))}, ${size(number('sizeInOctets'))}, from ${text('client')} (${text('helo')})${after(', as ', text('identity'))}, shard ${text('shard')}`;
    case 'rejected':
      return `${text('verb')}${after(' ', text('recipient'))} of ${text('client')} (${text('helo')})${after(', from ', text('reversePath'))}: ${text('reply')}`;
    case 'queued':
      return sitesText(record['sites']);
    case 'delivered':
    case 'relayed':
    case 'refused':
      return `${recipients} at ${text('site')}: ${said}${record['tls'] === undefined ? '' : `, ${text('tls')}`}, ${elapsed(number('ms'))} after acceptance`;
    case 'deferred':
    case 'unknown':
      return `${recipients}${after(', try ', text('attempt'))}: ${said}; next try ${clockTime(Date.parse(text('until')), now)}`;
    case 'failed':
    case 'expired':
      return `${recipients}: ${said}`;
    case 'bounced':
      return `DSN ${text('dsn')} (${text('action')}) to ${text('to')}`;
    case 'site_blocked':
      return `${text('site')}: ${said}; left alone until ${clockTime(Date.parse(text('until')), now)}`;
    case 'channel_failed':
      return `${text('site')}: ${said}`;
    default:
      return ofTheService(record) ?? otherFacts(record);
  }
}

/** What is of no mail's way, or an act of an operator. */
function ofTheService(record: EventRecord): string | undefined {
  const text = (key: string): string => wordOf(record[key]);
  switch (record.event) {
    case 'expanded':
      return record.mail === undefined
        ? `${text('alias')} → ${listOf(record['members'])}`
        : `${text('alias')}: ${text('members')} of its members, as ${text('page')}${after('; goes on as ', text('next'))}`;
    case 'held':
      return text('reason');
    case 'deleted':
      return `by ${text('by')}`;
    case 'taken':
      return `shard ${text('shard')}, epoch ${text('epoch')}: ${text('mails')} mails, ${text('deferred')} of them deferred, read in ${text('ms')} ms`;
    case 'let_go':
      return `shard ${text('shard')}, epoch ${text('epoch')}: ${text('reason')}`;
    case 'located':
      return `${text('domain')}: ${text('result')}${after(' ', listOf(record['exchangers']))}, ${text('ms')} ms`;
    default:
      return undefined;
  }
}

function sitesText(sites: unknown): string {
  if (!Array.isArray(sites)) return '';
  return sites.flatMap(siteText).join('; ');
}

/** Nothing for what has another form: events of a newer version are shown as far as they are understood. */
function siteText(one: unknown): readonly string[] {
  if (typeof one !== 'object' || one === null) return [];
  const { site, rule, recipients } = one as { readonly site?: unknown; rule?: unknown; recipients?: unknown };
  if (typeof site !== 'string' || typeof rule !== 'string' || !Array.isArray(recipients)) return [];
  return [`${listOf(recipients)} → ${site === '' ? 'no site' : site} (rule ${rule})`];
}

export function diagnosticText(diagnostic: unknown): string {
  if (typeof diagnostic !== 'object' || diagnostic === null) return '';
  const { text, remoteMta } = diagnostic as { readonly text?: unknown; readonly remoteMta?: unknown };
  return typeof remoteMta === 'string' ? `${remoteMta} said ${textOf(text)}` : textOf(text);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const wordOf = (value: unknown): string => (typeof value === 'number' ? String(value) : textOf(value));
/** What stands before a word, and the word, if there is one. */
const after = (before: string, word: string): string => (word === '' ? '' : before + word);
const listOf = (value: unknown): string =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string').join(', ') : '';

const otherFacts = (record: EventRecord): string =>
  Object.entries(record)
    .filter(([key]) => !known.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');

/** One that comes again comes soon. */
const remembered = 50_000;

/** After a takeover, and when a connection broke, the same events come again with the same ids: tells which. */
export function seenTwice(): (record: Partial<EventRecord> | null) => boolean {
  const seen = new Set<string>();
  return (record) => {
    // Anybody may publish there: what is no event of ours has none.
    const id = record?.id;
    if (typeof id !== 'string') return false;
    if (seen.size > remembered) seen.clear();
    const before = seen.size;
    return seen.add(id).size === before;
  };
}
