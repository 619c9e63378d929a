import { isMailId, timeOfMailId, type MailId } from '@postrider/mail';
import type { Bus } from '@postrider/bus';
import type { EventRecord, QueuedMail } from '@postrider/protocol';
import { isMailbox } from '@postrider/smtp';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { withBus } from '../connection.js';
import { durationOf, parseFlags } from '../flags.js';
import { askShards } from '../shards.js';
import { aboutMail, dsnsIn, mentions, traceText, type Trace } from '../trace-view.js';

/** Events of the acceptance may carry a clock a little behind the id's. */
const clockMargin = 2_000;
/** Mails of one address that are shown. */
const tracesShown = 10;

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
    const since = durationOf(values.since ?? '1d');
    return withBus(values.config, async (bus) => {
      const traces = isMailId(what)
        ? await traceMail(bus, what)
        : await traceAddress(bus, what, Date.now() - since);
      if (values.json === true) sayJson(traces);
      else if (traces.length === 0) say(`nothing is known of ${what}`);
      else say(traces.map((found) => traceText(found, Date.now())).join('\n\n'));
      return traces.length > 0 ? exitCodes.done : exitCodes.nothingMatched;
    });
  },
};

async function traceMail(bus: Bus, id: MailId): Promise<readonly Trace[]> {
  const events = await collect(bus, timeOfMailId(id) - clockMargin, (record) => aboutMail(record, id));
  const mail = await lookup(bus, id);
  return events.length === 0 && !mail ? [] : [withState(id, events, mail)];
}

async function traceAddress(bus: Bus, address: string, since: number): Promise<readonly Trace[]> {
  const all = await collect(bus, since, (record) => record.mail !== undefined);
  const ids = new Set(all.filter((record) => mentions(record, address)).map((record) => record.mail ?? ''));
  const newest = [...ids].sort().reverse().slice(0, tracesShown);
  return Promise.all(
    newest.map(async (id) =>
      withState(
        id,
        all.filter((record) => aboutMail(record, id)),
        await lookup(bus, id),
      ),
    ),
  );
}

const withState = (id: MailId, events: readonly EventRecord[], mail: QueuedMail | undefined): Trace => ({
  id,
  events: inOrder(events),
  ...(mail === undefined ? {} : { mail }),
});

async function collect(
  bus: Bus,
  since: number,
  wanted: (record: EventRecord) => boolean,
): Promise<readonly EventRecord[]> {
  const found: EventRecord[] = [];
  const seen = new Set<string>();
  const dsns = new Set<MailId>();
  for await (const record of bus.storedEvents({ since })) {
    const told = wanted(record) || dsns.has(record.mail ?? '');
    // After a takeover the same facts come again with the same ids.
    if (!told || seen.has(record.id)) continue;
    seen.add(record.id);
    found.push(record);
    for (const dsn of dsnsIn(record)) dsns.add(dsn);
  }
  return found;
}

const inOrder = (events: readonly EventRecord[]): readonly EventRecord[] =>
  events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));

async function lookup(bus: Bus, id: MailId): Promise<QueuedMail | undefined> {
  const { answers } = await askShards(bus, (ref) => ref.ask('lookup', { id }));
  return answers.find(({ mail }) => mail !== undefined)?.mail;
}
