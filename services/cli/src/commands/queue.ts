import type { MailFilter, QueueSummary } from '@postrider/protocol';
import type { Bus } from '@postrider/bus';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { withBus } from '../connection.js';
import { parseFlags } from '../flags.js';
import { contentText, listTable, showText, summaryTable } from '../queue-views.js';
import { askShards, type ShardRef } from '../shards.js';

/** More than a screen holds is seldom read; --limit says otherwise. */
const listedDefault = 100;

interface Options {
  readonly filter: MailFilter;
  readonly limit: number;
  readonly json: boolean;
  readonly all: boolean;
  readonly yes: boolean;
  readonly reason: string;
}

export const queue: Command = {
  name: 'queue',
  synopsis:
    'queue list|summary|show|retry|hold|release|delete [ID…] [--address A] [--domain D] [--state S] [--all] [--yes]',
  summary: 'mail that waits, and acts on it: mass acts need --all, delete needs --yes',
  run(words) {
    const { values, positionals } = parseFlags(words, {
      address: { type: 'string' },
      domain: { type: 'string' },
      state: { type: 'string' },
      limit: { type: 'string' },
      reason: { type: 'string' },
      all: { type: 'boolean' },
      yes: { type: 'boolean' },
    });
    const [act = 'list', ...ids] = positionals;
    const options: Options = {
      filter: {
        ...(ids.length === 0 ? {} : { ids }),
        ...(values.address === undefined ? {} : { address: values.address }),
        ...(values.domain === undefined ? {} : { domain: values.domain }),
        ...(values.state === undefined ? {} : { state: stateOf(values.state) }),
      },
      limit: Number(values.limit ?? listedDefault),
      json: values.json === true,
      all: values.all === true,
      yes: values.yes === true,
      reason: values.reason ?? 'held by an operator',
    };
    return withBus(values.config, (bus) => perform(bus, act, options));
  },
};

function perform(bus: Bus, act: string, options: Options): Promise<number> {
  switch (act) {
    case 'list':
      return list(bus, options);
    case 'summary':
      return summary(bus, options);
    case 'show':
      return show(bus, options);
    case 'retry':
      return change(bus, options, 'retried', (ref) => ref.ask('retry', { filter: options.filter }));
    case 'hold':
      return change(bus, options, 'held', (ref) =>
        ref.ask('hold', { filter: options.filter, reason: options.reason }),
      );
    case 'release':
      return change(bus, options, 'released', (ref) => ref.ask('release', { filter: options.filter }));
    case 'delete':
      if (!options.yes) throw new UsageError('delete drops mail for good and tells nobody: say --yes');
      return change(bus, options, 'deleted', (ref) =>
        ref.ask('delete', { filter: options.filter, by: operator() }),
      );
    default:
      throw new UsageError(`'${act}' is none of list, summary, show, retry, hold, release, delete`);
  }
}

async function list(bus: Bus, { filter, limit, json }: Options): Promise<number> {
  const { answers, silent } = await askShards(bus, (ref) => ref.ask('list', { filter, limit }));
  const mails = answers.flatMap((answer) => answer.mails).sort((a, b) => (a.id < b.id ? -1 : 1));
  if (json) sayJson({ mails, silentShards: silent });
  else {
    if (mails.length > 0) say(listTable(mails, Date.now()));
    if (answers.some(({ more }) => more)) say(`… and more: --limit N shows them`);
    say(mails.length === 0 ? 'nothing waits' : `${mails.length} mails`);
    warnOf(silent);
  }
  return mails.length > 0 ? exitCodes.done : exitCodes.nothingMatched;
}

async function summary(bus: Bus, { json }: Options): Promise<number> {
  const { answers, silent } = await askShards(bus, (ref) => ref.ask('summary', {}));
  const sum = (of: (shard: QueueSummary) => number): number =>
    answers.reduce((total, shard) => total + of(shard), 0);
  const totals = {
    active: sum(({ active }) => active),
    inFlight: sum(({ inFlight }) => inFlight),
    deferred: sum(({ deferred }) => deferred),
    held: sum(({ held }) => held),
  };
  if (json) sayJson({ ...totals, shards: answers, silentShards: silent });
  else {
    say(summaryTable(answers, totals, Date.now()));
    warnOf(silent);
  }
  return exitCodes.done;
}

async function show(bus: Bus, { filter, json }: Options): Promise<number> {
  const [id] = filter.ids ?? [];
  if (id === undefined) throw new UsageError('name a mail by its id');
  const { answers, silent } = await askShards(bus, (ref) => ref.ask('show', { id }));
  const found = answers.find(({ mail }) => mail !== undefined);
  if (!found?.mail) {
    say(`no mail ${id} waits`);
    warnOf(silent);
    return exitCodes.nothingMatched;
  }
  if (json)
    sayJson({
      mail: found.mail,
      envelope: found.envelope,
      content: found.content && contentText(found.content),
    });
  else say(showText(found.mail, found.content, Date.now()));
  return exitCodes.done;
}

async function change(
  bus: Bus,
  { filter, all, json }: Options,
  word: string,
  ask: (ref: ShardRef) => Promise<{ readonly ids: readonly string[] }>,
): Promise<number> {
  if (Object.keys(filter).length === 0 && !all)
    throw new UsageError('name mails, or --address, --domain, --state; or --all for every mail');
  const { answers, silent } = await askShards(bus, ask);
  const ids = answers.flatMap((answer) => answer.ids);
  if (json) sayJson({ [word]: ids, silentShards: silent });
  else {
    say(`${word}: ${ids.length} mails`);
    warnOf(silent);
  }
  return ids.length > 0 ? exitCodes.done : exitCodes.nothingMatched;
}

function warnOf(silent: readonly string[]): void {
  if (silent.length > 0) say(`no owner answers for shard ${silent.join(', ')}: its mail is not shown`);
}

function stateOf(text: string): NonNullable<MailFilter['state']> {
  if (text === 'active' || text === 'deferred' || text === 'held') return text;
  throw new UsageError(`'${text}' is no state: active, deferred or held`);
}

const operator = (): string =>
  process.env['USER'] ?? process.env['LOGNAME'] ?? `uid ${process.getuid?.() ?? ''}`;
