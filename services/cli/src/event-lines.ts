/** Events as lines that a tired postmaster reads at night. */
import type { EventRecord } from '@postrider/protocol';
import { clockTime, size } from './table.js';

/** Fields that every event has, or that stand elsewhere in the line. */
const known = new Set(['id', 'at', 'service', 'instance', 'event', 'mail']);

/** `09:30:12 queue-manager     deferred   0123… you@dest.test: 451 4.7.1 later` */
export function eventLine(record: EventRecord): string {
  const mail = record.mail === undefined ? '' : `${record.mail}  `;
  return `${clockTime(Date.parse(record.at))}  ${record.service.padEnd(17)}  ${record.event.padEnd(10)}  ${mail}${facts(record)}`;
}

/** What an event says besides which it is, in words. */
export function facts(record: EventRecord): string {
  const text = (key: string): string => {
    const value = record[key];
    return typeof value === 'string' ? value : '';
  };
  const recipients = Array.isArray(record['recipients']) ? record['recipients'].join(', ') : '';
  const said = diagnosticText(record['diagnostic']);
  switch (record.event) {
    case 'accepted':
      return `<${text('reversePath')}> for ${recipients}, ${size(Number(record['sizeInOctets']))}, from ${text('client')} (${text('helo')}), shard ${text('shard')}`;
    case 'rejected':
      return `${text('reply')} to ${text('verb')} of ${text('client')} (${text('helo')}) ${text('recipient')}`.trimEnd();
    case 'queued':
      return sitesText(record['sites']);
    case 'delivered':
    case 'relayed':
    case 'refused':
      return `${recipients} at ${text('site')}: ${said}${record['tls'] === undefined ? '' : `, ${text('tls')}`}, ${Number(record['ms'])} ms after acceptance`;
    case 'deferred':
    case 'unknown':
      return `${recipients}: ${said}; next try ${clockTime(Date.parse(text('until')))}`;
    case 'failed':
    case 'expired':
      return `${recipients}: ${said}`;
    case 'bounced':
      return `DSN ${text('dsn')} (${text('action')}) to ${text('to')}`;
    case 'site_blocked':
    case 'channel_failed':
      return `${text('site')}: ${said}`;
    default:
      return otherFacts(record);
  }
}

function sitesText(sites: unknown): string {
  if (!Array.isArray(sites)) return '';
  return (sites as { site: string; rule: string; recipients: readonly string[] }[])
    .map(({ site, rule, recipients }) => `${recipients.join(', ')} → ${site} (rule ${rule})`)
    .join('; ');
}

export function diagnosticText(diagnostic: unknown): string {
  if (typeof diagnostic !== 'object' || diagnostic === null) return '';
  const { text, remoteMta } = diagnostic as { readonly text?: string; readonly remoteMta?: string };
  return remoteMta === undefined ? (text ?? '') : `${remoteMta} said ${text ?? ''}`;
}

const otherFacts = (record: EventRecord): string =>
  Object.entries(record)
    .filter(([key]) => !known.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
