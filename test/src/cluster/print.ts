/** The table of a run, for people. */
import { channelsPerSite } from './cluster.js';
import type { ClusterRow, Report } from './run.js';

const columns: readonly (readonly [head: string, cell: (row: ClusterRow) => string])[] = [
  ['event', ({ name }) => name],
  ['mail flows, s', ({ secondsUntilMailFlows }) => secondsUntilMailFlows.toFixed(1)],
  ['takeover, s', ({ takeoverInSeconds }) => takeoverInSeconds?.toFixed(1) ?? '-'],
  ['shard still, s', ({ stillInSeconds }) => stillInSeconds.toFixed(1)],
  ['slowest mail, s', ({ slowestMailInSeconds }) => slowestMailInSeconds.toFixed(1)],
  ['longest wait, s', ({ longestWaitInSeconds }) => longestWaitInSeconds.toFixed(1)],
  ['accepted', ({ accepted }) => String(accepted)],
  ['lost', ({ lost }) => String(lost)],
  ['twice', ({ twice }) => String(twice)],
  ['unknown', ({ unknown }) => String(unknown)],
  ['4xx', ({ temporaries }) => String(temporaries)],
  [`channels (${channelsPerSite})`, ({ mostChannels }) => String(mostChannels)],
];

export function tableOf(rows: readonly ClusterRow[]): string {
  const lines = [columns.map(([head]) => head), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const padded = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  return padded.map((line) => line.join('  ').trimEnd()).join('\n');
}

export const lineOf = (row: ClusterRow): string =>
  columns.map(([head, cell], column) => (column === 0 ? cell(row) : `${head} ${cell(row)}`)).join(' | ');

/** Each broken promise a line; none when all is well. */
export function faultsOf({ rows, verdict, waiting, violations }: Report): readonly string[] {
  return [
    ...rows.filter(({ lost }) => lost > 0).map(({ name, lost }) => `${lost} lost: ${name}`),
    ...rows
      .filter(({ mostChannels, channelsAtMost }) => mostChannels > channelsAtMost)
      .map(({ name, mostChannels }) => `${mostChannels} connections to a site at once: ${name}`),
    ...rows
      .filter(({ takeoverInSeconds = 0, ownedWithin }) => takeoverInSeconds > ownedWithin)
      .map(({ name, takeoverInSeconds = 0 }) => `a shard without owner for ${takeoverInSeconds} s: ${name}`),
    ...rows.filter(({ twice }) => twice > inFlightAtMost).map(({ name, twice }) => `${twice} twice: ${name}`),
    ...verdict.broken,
    ...waiting.map((text) => `without a final state: ${text}`),
    ...violations.map((text) => `against RFC 5321: ${text}`),
  ];
}

/** Sites with relayed mail × channels × mails that one channel holds (queue-manager's README, limits). */
const inFlightAtMost = 4 * channelsPerSite * 16;
