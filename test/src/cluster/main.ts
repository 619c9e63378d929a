/**
 * `npm run test:cluster`: what dies, is cut off or replaced, and what it costs, as a table.
 *
 *   npm run test:cluster                           every kind of event once, about three minutes
 *   npm run test:cluster -- --only PATTERN         those of all whose name matches
 *   npm run test:cluster -- --minutes 30 --seed 7  at random; the seed repeats the order of events
 */
import { parseArgs } from 'node:util';
import { Cluster } from './cluster.js';
import { faultsOf, lineOf, tableOf } from './print.js';
import { seeded } from './random.js';
import { ClusterRun } from './run.js';
import { longForm, shortForm, type Scenario } from './scenarios.js';

const { values: flags } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

say('starting three NATS servers and two of each service');
const cluster = await Cluster.start();
const run = new ClusterRun(cluster, (row) => say(lineOf(row)));
let faults: readonly string[] = ['the run did not come to its end'];
try {
  for (const scenario of scenarios()) await run.run(scenario);
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
try {
  const report = await run.report();
  say(`\n${tableOf(report.rows)}\n`);
  for (const text of report.skipped) say(`skipped: ${text}`);
  if (report.verdict.untold > 0) say(`${report.verdict.untold} mails whose end no event told`);
  faults = faultsOf(report);
  for (const fault of faults.slice(0, 50)) say(fault);
  say(faults.length === 0 ? 'every mail that got a 250 has come to its end' : `${faults.length} faults`);
} finally {
  const bad = faults.length > 0 || process.exitCode === 1;
  if (bad) say(`logs: ${cluster.keepLogs()}`);
  await cluster.stop({ keep: bad });
  process.exitCode = bad ? 1 : 0;
}

function* scenarios(): Generator<Scenario> {
  const { minutes, seed, only } = flags;
  if (minutes === undefined) {
    const wanted =
      only === undefined ? shortForm : longForm.filter(({ name }) => new RegExp(only).test(name));
    yield* wanted;
    return;
  }
  const chosen = Number(seed ?? Date.now() % 1_000_000);
  const random = seeded(chosen);
  say(`seed ${chosen}`);
  const end = performance.now() + Number(minutes) * 60_000;
  while (performance.now() < end) {
    const scenario = longForm[Math.floor(random() * longForm.length)];
    if (scenario !== undefined) yield scenario;
  }
}
