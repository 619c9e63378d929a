import { isMailId, timeOfMailId, type MailId } from '@postrider/mail';
import type { Bus } from '@postrider/bus';
import type { EventRecord, QueuedMail } from '@postrider/protocol';
import { isMailbox } from '@postrider/smtp';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { withBus } from '../connection.js';
import { durationOf, parseFlags } from '../flags.js';
import { askShards } from '../shards.js';
import { counted } from '../table.js';
import {
  aboutMail,
  besidesText,
  dsnsIn,
  inOrder,
  mentions,
  traceText,
  wholeOf,
  type Trace,
} from '../trace-view.js';

/** Events of the acceptance may carry a clock a little behind the id's. */
const clockMargin = 2_000;
/** Mails of one address that are shown. */
const tracesShown = 10;
const besidesShown = 20;
const sinceDefault = '1d';

export const trace: Command = {
  name: 'trace',
  synopsis: ['trace ID|ADDRESS [--since 1d]'],
  summary: 'every event of a mail in order, who holds it now, why it waits, when it is tried next',
  run(words) {
    const { values, positionals } = parseFlags(words, { since: { type: 'string' } }, 1);
    const [what] = positionals;
    if (what === undefined) throw new UsageError('name a mail by its id, or an address');
    if (!isMailId(what) && !isMailbox(what))
      throw new UsageError(`'${what}' is no mail id and no address: as in you@example.org`);
    const since = durationOf(values.since ?? sinceDefault);
    return withBus(values.config, async (bus) => {
      const found = isMailId(what)
        ? { traces: await traceMail(bus, what), older: 0, besides: [] }
        : await traceAddress(bus, what, Date.now() - since);
      const { traces, besides } = found;
      const nothing = traces.length === 0 && besides.length === 0;
      if (values.json === true) sayJson([...traces, ...(besides.length === 0 ? [] : [{ events: besides }])]);
      else say(nothing ? nothingText(what, values.since) : text(found, what));
      return nothing ? exitCodes.nothingMatched : exitCodes.done;
    });
  },
};

const nothingText = (what: string, since = sinceDefault): string =>
  isMailId(what)
    ? `nothing is known of ${what}: it waits nowhere, and no event that is kept tells of it`
    : `nothing is known of ${what} since ${since} ago: --since looks further back`;

function text({ traces, older, besides }: OfAddress, what: string): string {
  const now = Date.now();
  return [
    ...traces.map((found) => traceText(found, now, what)),
    ...(older === 0 ? [] : [`${counted(older, 'older mail')} of ${what}: trace one by its id`]),
    ...(besides.length === 0 ? [] : [besidesText(besides, now)]),
  ].join('\n\n');
}

async function traceMail(bus: Bus, id: MailId): Promise<readonly Trace[]> {
  const events = await collect(bus, timeOfMailId(id) - clockMargin, new Set([id]));
  const found = await withState(bus, id, events);
  return found.events.length === 0 && !found.mail ? [] : [found];
}

interface OfAddress {
  readonly traces: readonly Trace[];
  /** More mails than are shown. */
  readonly older: number;
  /** What no mail has come of, or what tells none. */
  readonly besides: readonly EventRecord[];
}

/** First which mails, then their events: those of a day and all mails would be more than a process holds. */
async function traceAddress(bus: Bus, address: string, since: number): Promise<OfAddress> {
  const ids = new Set<MailId>();
  const besides: EventRecord[] = [];
  for await (const record of bus.storedEvents({ since })) {
    const { mail } = record;
    if (mail !== undefined) {
      if (mentions(record, address)) ids.add(wholeOf(mail));
    } else if (mentions(record, address)) besides.push(record);
    if (besides.length > besidesShown) besides.shift();
  }
  const newest = [...ids].sort().reverse().slice(0, tracesShown);
  const oldest = newest.at(-1);
  const events =
    oldest === undefined ? [] : await collect(bus, timeOfMailId(oldest) - clockMargin, new Set(newest));
  return {
    traces: await Promise.all(newest.map((id) => withState(bus, id, events))),
    older: ids.size - newest.length,
    besides,
  };
}

/** @param events of this mail, and of others */
async function withState(bus: Bus, id: MailId, events: readonly EventRecord[]): Promise<Trace> {
  const own = events.filter((record) => aboutMail(record, id));
  const dsns = new Set(own.flatMap(dsnsIn));
  const story = events.filter((record) => aboutMail(record, id) || dsns.has(record.mail ?? ''));
  const names = new Set([id, ...own.flatMap(({ mail }) => mail ?? [])]);
  const [mail, ...parts] = await Promise.all([...names].map((name) => lookup(bus, name)));
  const waiting = parts.filter((part) => part !== undefined);
  return {
    id,
    events: inOrder(story),
    ...(mail === undefined ? {} : { mail }),
    ...(waiting.length === 0 ? {} : { parts: waiting }),
  };
}

/** Events of these mails and of their DSNs. */
async function collect(bus: Bus, since: number, ids: ReadonlySet<MailId>): Promise<readonly EventRecord[]> {
  const found: EventRecord[] = [];
  const seen = new Set<string>();
  const dsns = new Set<MailId>();
  for await (const record of bus.storedEvents({ since })) {
    const { mail } = record;
    // After a takeover the same facts come again with the same ids.
    if (mail === undefined || seen.has(record.id)) continue;
    if (!ids.has(wholeOf(mail)) && !ids.has(mail) && !dsns.has(mail)) continue;
    seen.add(record.id);
    found.push(record);
    for (const dsn of dsnsIn(record)) dsns.add(dsn);
  }
  return found;
}

async function lookup(bus: Bus, id: MailId): Promise<QueuedMail | undefined> {
  const { answers } = await askShards(bus, (ref) => ref.ask('lookup', { id }));
  return answers.find(({ mail }) => mail !== undefined)?.mail;
}
