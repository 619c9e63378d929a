/**
 * `npm run test:cluster`: what dies, is cut off or replaced, and what it costs, as a table.
 *
 *   npm run test:cluster                           every kind of event once, about three minutes
 *   npm run test:cluster -- --only PATTERN         those of all whose name matches
 *   npm run test:cluster -- --minutes 30 --seed 7  at random; the seed repeats the order of events
 *   npm run test:cluster -- --help
 */
import { Cluster } from './cluster.js';
import { usageError, WrongWords } from '../words.js';
import { parseFlags, summary, usage, type Asked } from './flags.js';
import { faultsOf, lineOf, tableOf } from './print.js';
import { seeded } from './random.js';
import { ClusterRun } from './run.js';
import { longForm, shortForm, type Scenario } from './scenarios.js';

const failed = 1;
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const sayFault = (error: unknown): void =>
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));

/** Exits are by hand: what a scenario has under way when it is interrupted would keep the process. */
process.exit(await main());

async function main(): Promise<number> {
  try {
    const asked = parseFlags(process.argv.slice(2));
    const scenarios = wanted(asked);
    if (!asked.help) return await test(scenarios, asked);
    say(`${usage}\n${summary}`);
    return 0;
  } catch (error) {
    return usageError('test:cluster', usage, error);
  }
}

function wanted({ only, minutes }: Asked): readonly Scenario[] {
  if (only === undefined) return minutes === undefined ? shortForm : longForm;
  const found = longForm.filter(({ name }) => only.test(name));
  if (found.length === 0) throw new WrongWords(`no event matches '${only.source}'`);
  return found;
}

/** @returns the exit code, when nothing is left of it */
async function test(scenarios: readonly Scenario[], asked: Asked): Promise<number> {
  let cluster: Cluster | undefined;
  const interrupted = interruption();
  const work = async (): Promise<number> => {
    say('starting three NATS servers and two of each service');
    cluster = await Cluster.make();
    await cluster.start();
    return judged(cluster, inTurn(scenarios, asked));
  };
  const faulty = (error: unknown): number => {
    sayFault(error);
    return failed;
  };
  // What breaks because of the interruption is not worth a word.
  const code = await Promise.race([interrupted, work()]).catch(faulty);
  const keep = code === failed;
  if (keep && cluster !== undefined) say(`logs: ${cluster.keepLogs()}`);
  await cluster?.stop({ keep });
  return code;
}

/** @returns the exit code, as shells have it, once a signal has come; more of them change nothing */
function interruption(): Promise<number> {
  return new Promise((resolve) => {
    process.on('SIGINT', () => resolve(130));
    process.on('SIGTERM', () => resolve(143));
  });
}

async function judged(cluster: Cluster, scenarios: Iterable<Scenario>): Promise<number> {
  const run = new ClusterRun(cluster, (row) => say(lineOf(row)));
  let broken = false;
  try {
    for (const scenario of scenarios) await run.run(scenario);
  } catch (error) {
    sayFault(error);
    broken = true;
  }
  const report = await run.report();
  say(`\n${tableOf(report.rows)}\n`);
  for (const text of report.skipped) say(`skipped: ${text}`);
  if (report.verdict.untold > 0) say(`${report.verdict.untold} mails whose end no event told`);
  const faults = faultsOf(report);
  for (const fault of faults.slice(0, 50)) say(fault);
  say(faults.length === 0 ? 'every mail that got a 250 has come to its end' : `${faults.length} faults`);
  return broken || faults.length > 0 ? failed : 0;
}

function* inTurn(scenarios: readonly Scenario[], { minutes, seed }: Asked): Generator<Scenario> {
  if (minutes === undefined) return yield* scenarios;
  const chosen = seed ?? Date.now() % 1_000_000;
  const random = seeded(chosen);
  say(`seed ${chosen}`);
  const end = performance.now() + minutes * 60_000;
  while (performance.now() < end) {
    const scenario = scenarios[Math.floor(random() * scenarios.length)];
    if (scenario !== undefined) yield scenario;
  }
}
