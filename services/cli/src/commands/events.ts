import { eventSubject, serviceNames, type EventRecord, type ServiceName } from '@postrider/protocol';
import { complain, exitCodes, say, UsageError, type Command } from '../command.js';
import { withBus } from '../connection.js';
import { eventLine, seenTwice } from '../event-lines.js';
import { durationOf, parseFlags } from '../flags.js';

export const events: Command = {
  name: 'events',
  synopsis: ['events [TEXT…] [--service NAME] [--since 10m] [--follow]'],
  summary: 'what happened, all lines that hold each TEXT; with --follow what happens, until Ctrl-C',
  async run(words) {
    const text = { type: 'string' } as const;
    const flags = { service: text, since: text, follow: { type: 'boolean', short: 'f' } } as const;
    const { values, positionals } = parseFlags(words, flags, Infinity);
    const subject = subjectOf(values.service);
    const isTwice = seenTwice();
    const print = (record: EventRecord): boolean => {
      if (isTwice(record)) return false;
      const line = values.json === true ? JSON.stringify(record) : eventLine(record, Date.now());
      const shown = positionals.every((text) => line.includes(text));
      if (shown) say(line);
      return shown;
    };
    const asked = values.since ?? (values.follow === true ? undefined : '10m');
    const since = asked === undefined ? undefined : durationOf(asked);
    return withBus(values.config, async (bus) => {
      let matched = 0;
      if (since !== undefined)
        for await (const record of bus.storedEvents({ since: Date.now() - since, subject }))
          matched += print(record) ? 1 : 0;
      if (values.follow !== true && matched === 0 && values.json !== true)
        complain(`no such event in the last ${asked ?? ''}: --since looks further back`);
      if (values.follow !== true) return matched > 0 ? exitCodes.done : exitCodes.nothingMatched;
      const watched = bus.watch(subject);
      process.once('SIGINT', () => watched.stop());
      for await (const { value } of watched) print(value as EventRecord);
      return exitCodes.done;
    });
  },
};

function subjectOf(service: string | undefined): string {
  if (service === undefined) return 'mta.events.>';
  if (!serviceNames.includes(service as ServiceName))
    throw new UsageError(`no service '${service}': ${serviceNames.join(', ')}`);
  return eventSubject(service as ServiceName, '>');
}
