import { hostname } from 'node:os';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { withBus } from '../connection.js';
import { crash, crashTable } from '../demo/crash.js';
import { startWorld, type DemoWorld } from '../demo/world.js';
import { eventLine } from '../event-lines.js';
import { countOf, parseFlags } from '../flags.js';
import { counted } from '../table.js';
import type { EventRecord } from '@postrider/protocol';

export const demo: Command = {
  name: 'demo',
  synopsis: ['demo', 'demo crash [--rate N] [--rounds N]'],
  summary:
    'the whole system with next hops of its own, no DNS and no internet;\ncrash kills each process under load',
  async run(words) {
    const text = { type: 'string' } as const;
    const { values, positionals } = parseFlags(words, { rate: text, rounds: text }, 1);
    if (positionals[0] === undefined) return showDemo();
    if (positionals[0] !== 'crash') throw new UsageError("say 'demo' or 'demo crash'");
    const rate = values.rate === undefined ? {} : { rate: countOf('rate', values.rate) };
    return showCrash({ ...rate, rounds: countOf('rounds', values.rounds ?? '1') }, values.json === true);
  },
};

async function showDemo(): Promise<number> {
  say('starting nats-server, five services, a nameserver and four next hops ...');
  // Set in the image, where loopback is out of reach.
  const address = process.env['POSTRIDER_DEMO_LISTEN'];
  const world = await startWorld(['queue: { retry: { first: 5s, max: 30s } }'], address);
  say(introduction(world, address !== undefined));
  // Ctrl-C reaches Postrider too; the demo waits for its end.
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await withBus(world.configFile, async (bus) => {
    const watched = bus.watch('mta.events.>');
    void stopped.then(() => watched.stop());
    for await (const { value } of watched) say(eventLine(value as EventRecord, Date.now()));
  });
  say('stopping ...');
  await world.stop();
  return exitCodes.done;
}

async function showCrash(
  options: { readonly rate?: number; readonly rounds: number },
  json: boolean,
): Promise<number> {
  if (!json)
    say('starting nats-server, five services and a next hop; then each process is killed under load ...');
  const world = await startWorld(['log: { level: error }']);
  try {
    const rows = await crash(world, { ...options, progress: json ? () => undefined : say });
    if (json) sayJson(rows);
    else say(`\n${crashTable(rows)}`);
    const lost = rows.reduce((sum, row) => sum + row.lost, 0);
    if (!json)
      say(
        lost === 0
          ? '\nNothing that was accepted is lost.'
          : `\n${counted(lost, 'mail')} that had been accepted: lost.`,
      );
    return lost === 0 ? exitCodes.done : exitCodes.failed;
  } finally {
    await world.stop();
  }
}

/** In the image the command line runs inside alone: a container's hostname is its id. */
const introduction = ({ configFile, address, port, folder }: DemoWorld, inImage: boolean): string => {
  const [inside, postrider] = inImage
    ? [`docker exec -it ${hostname()} sh\n  `, 'postrider']
    : ['', 'npx postrider'];
  return `
Postrider listens on ${address}:${port}. Its next hops:

  ok.test     takes everything (and offers STARTTLS)
  grey.test   says 451 to the first attempt, then takes it
  slow.test   takes 2 s for each mail
  gone.test   says 550: the sender gets a DSN
  down.test   nobody listens: the mail waits

Try, in another terminal:

  swaks --server 127.0.0.1:${port} --from me@localhost --to you@gone.test   # DSN in ${folder}/mail/me
  ${inside}export POSTRIDER_CONFIG=${configFile}
  ${postrider} send --to you@ok.test --follow
  ${postrider} send --to you@grey.test --follow
  ${postrider} send --to you@down.test
  ${postrider} queue list
  ${postrider} trace you@down.test

Events, as they happen (Ctrl-C ends the demo):
`;
};
