import { userInfo } from 'node:os';
import type { MailFilter, QueueSummary } from '@postrider/protocol';
import type { Bus } from '@postrider/bus';
import type { MailId } from '@postrider/mail';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { withBus } from '../connection.js';
import { countOf, parseFlags } from '../flags.js';
import { contentText, listTable, showText, summaryTable, whyNone, type Act } from '../queue-views.js';
import { askShards, type ShardRef } from '../shards.js';
import { quarantine } from './quarantine.js';
import { counted } from '../table.js';

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

const text = { type: 'string' } as const;
const yesOrNo = { type: 'boolean' } as const;
const flags = {
  address: text,
  domain: text,
  state: text,
  limit: text,
  reason: text,
  all: yesOrNo,
  yes: yesOrNo,
} as const;

export const queue: Command = {
  name: 'queue',
  synopsis: [
    'queue [list [ID…] [--address A] [--domain D] [--state active|deferred|held] [--limit N]]',
    'queue summary',
    'queue show ID',
    'queue retry|release [ID…] [--address A] [--domain D] [--state S] [--all]',
    'queue hold [ID…] [--address A] [--domain D] [--state S] [--all] [--reason TEXT]',
    'queue delete [ID…] [--address A] [--domain D] [--state S] [--all] --yes',
    'queue quarantine [list | show|release SHARD/KEY | delete SHARD/KEY --yes]',
  ],
  summary: 'mail that waits, and acts on it; an act on every mail needs --all',
  run(words) {
    const { values, positionals } = parseFlags(words, flags, Infinity);
    const [act = 'list', ...ids] = positionals;
    const options: Options = {
      filter: {
        ...(ids.length === 0 ? {} : { ids }),
        ...(values.address === undefined ? {} : { address: values.address }),
        ...(values.domain === undefined ? {} : { domain: values.domain }),
        ...(values.state === undefined ? {} : { state: stateOf(values.state) }),
      },
      limit: values.limit === undefined ? listedDefault : countOf('limit', values.limit),
      json: values.json === true,
      all: values.all === true,
      yes: values.yes === true,
      reason: values.reason ?? 'held by an operator',
    };
    if (act === 'quarantine') return quarantine(ids, { ...options, config: values.config });
    const perform = performer(act, options);
    return withBus(values.config, perform);
  },
};

type Perform = (bus: Bus) => Promise<number>;

/** Refuses what makes no sense before anything is asked. @throws UsageError */
function performer(act: string, options: Options): Perform {
  const { filter, reason } = options;
  switch (act) {
    case 'list':
      return (bus) => list(bus, options);
    case 'summary':
      return (bus) => summary(bus, options);
    case 'show': {
      const [id] = filter.ids ?? [];
      if (id === undefined) throw new UsageError('name a mail by its id');
      return (bus) => show(bus, id, options);
    }
    case 'retry':
      return change('retry', options, (ref) => ref.ask('retry', { filter }));
    case 'hold':
      return change('hold', options, (ref) => ref.ask('hold', { filter, reason }));
    case 'release':
      return change('release', options, (ref) => ref.ask('release', { filter }));
    case 'delete':
      if (!options.yes) throw new UsageError('delete drops mail for good and tells nobody: say --yes');
      return change('delete', options, (ref) => ref.ask('delete', { filter, by: operator() }));
    default:
      throw new UsageError(
        `'${act}' is none of list, summary, show, retry, hold, release, delete, quarantine`,
      );
  }
}

async function list(bus: Bus, { filter, limit, json }: Options): Promise<number> {
  const { answers, silent } = await askShards(bus, (ref) => ref.ask('list', { filter, limit }));
  const mails = answers.flatMap((answer) => answer.mails).sort((a, b) => (a.id < b.id ? -1 : 1));
  if (json) sayJson({ mails, silentShards: silent });
  else {
    if (mails.length > 0) say(listTable(mails, Date.now()));
    if (answers.some(({ more }) => more)) say(`… and more: --limit N shows them`);
    say(mails.length === 0 ? nothingText(filter) : counted(mails.length, 'mail'));
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

async function show(bus: Bus, id: MailId, { json }: Options): Promise<number> {
  const { answers, silent } = await askShards(bus, (ref) => ref.ask('show', { id }));
  const found = answers.find(({ mail }) => mail !== undefined);
  if (!found?.mail) {
    if (json) sayJson({ mail: null, silentShards: silent });
    else {
      say(`no mail ${id} waits; 'trace ${id}' tells what became of it`);
      warnOf(silent);
    }
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

const done: Readonly<Record<Act, string>> = {
  retry: 'retried',
  hold: 'held',
  release: 'released',
  delete: 'deleted',
};

function change(
  act: Act,
  { filter, all, json }: Options,
  ask: (ref: ShardRef) => Promise<{ readonly ids: readonly MailId[] }>,
): Perform {
  if (Object.keys(filter).length === 0 && !all)
    throw new UsageError('name mails, or --address, --domain, --state; or --all for every mail');
  return async (bus) => {
    const { answers, silent } = await askShards(bus, ask);
    const ids = answers.flatMap((answer) => answer.ids);
    if (json) sayJson({ [done[act]]: ids, silentShards: silent });
    else {
      const why = ids.length > 0 ? '' : `: ${await reasonOf(bus, act, filter)}`;
      say(`${done[act]}: ${counted(ids.length, 'mail')}${why}`);
      warnOf(silent, 'nothing was done there');
    }
    return ids.length > 0 ? exitCodes.done : exitCodes.nothingMatched;
  };
}

async function reasonOf(bus: Bus, act: Act, filter: MailFilter): Promise<string> {
  const { answers } = await askShards(bus, (ref) => ref.ask('list', { filter, limit: listedDefault }));
  return whyNone(
    act,
    answers.flatMap(({ mails }) => mails),
  );
}

const nothingText = (filter: MailFilter): string =>
  Object.keys(filter).length === 0 ? 'nothing waits' : 'nothing that waits matches';

function warnOf(silent: readonly string[], so = 'its mail is not shown'): void {
  if (silent.length > 0) say(`no owner answers for shard ${silent.join(', ')}: ${so}`);
}

function stateOf(text: string): NonNullable<MailFilter['state']> {
  if (text === 'active' || text === 'deferred' || text === 'held') return text;
  throw new UsageError(`'${text}' is no state: active, deferred or held`);
}

const operator = (): string =>
  process.env['SUDO_USER'] ?? process.env['USER'] ?? process.env['LOGNAME'] ?? userInfo().username;
