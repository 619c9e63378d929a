/** `queue quarantine`: records of the shards' logs that could not be read, or that replays did not get past. */
import type { Bus } from '@postrider/bus';
import { shard as shardProtocol, type QuarantineAct, type QuarantinedRecord } from '@postrider/protocol';
import { exitCodes, say, sayJson, UsageError } from '../command.js';
import { withBus } from '../connection.js';
import { contentText } from '../queue-views.js';
import { askShards } from '../shards.js';
import { clockTime, counted, table } from '../table.js';

export interface QuarantineOptions {
  readonly json: boolean;
  readonly yes: boolean;
  readonly config: string | undefined;
}

const usage = 'queue quarantine [list | show SHARD/KEY | release SHARD/KEY | delete SHARD/KEY --yes]';

/** @param words after `quarantine`; @throws UsageError */
export function quarantine(words: readonly string[], options: QuarantineOptions): Promise<number> {
  const [act = 'list', name = ''] = words;
  if (act === 'list') return withBus(options.config, (bus) => list(bus, options));
  if (act !== 'show' && act !== 'release' && act !== 'delete') throw new UsageError(usage);
  const [shard = '', key = ''] = name.split('/');
  if (shard === '' || key === '') throw new UsageError(usage);
  if (act === 'delete' && !options.yes)
    throw new UsageError('delete drops the record, and the mail in it, for good: say --yes');
  return withBus(options.config, (bus) => perform(bus, { shard, act: { act, key } }, options));
}

async function list(bus: Bus, { json }: QuarantineOptions): Promise<number> {
  const { answers, silent } = await askShards(bus, (ref) => ref.ask('quarantine', { act: 'list' }));
  const records = answers.flatMap((answer) => (answer.result === 'records' ? answer.records : []));
  if (json) sayJson({ records, silentShards: silent });
  else {
    if (records.length > 0) say(table([['record', 'since', 'why'], ...records.map(rowOf)]));
    say(records.length === 0 ? 'nothing is set aside' : counted(records.length, 'record'));
    if (silent.length > 0) say(`no owner answers for shard ${silent.join(', ')}`);
  }
  return records.length > 0 ? exitCodes.done : exitCodes.nothingMatched;
}

const rowOf = ({ shard, key, at, reason }: QuarantinedRecord): readonly string[] => [
  `${shard}/${key}`,
  clockTime(at, Date.now()),
  reason,
];

async function perform(
  bus: Bus,
  { shard, act }: { readonly shard: string; readonly act: QuarantineAct },
  { json }: QuarantineOptions,
): Promise<number> {
  const answer = await bus.ref(shardProtocol, shard).ask('quarantine', act);
  switch (answer.result) {
    case 'unknown':
      if (json) sayJson({ record: null });
      else say('no such record is set aside');
      return exitCodes.nothingMatched;
    case 'refused':
      if (json) sayJson({ refused: answer.text });
      else say(`not done: ${answer.text}`);
      return exitCodes.nothingMatched;
    case 'shown':
      if (json) sayJson({ record: answer.record, octets: Buffer.from(answer.octets).toString('base64') });
      else say(`${answer.record.reason}\n\n${contentText(answer.octets)}`);
      return exitCodes.done;
    case 'done':
      if (json) sayJson({ ids: answer.ids });
      else say(answer.ids.length > 0 ? `released: ${answer.ids.join(' ')}` : 'deleted');
      return exitCodes.done;
    case 'records':
      return exitCodes.done;
  }
}
