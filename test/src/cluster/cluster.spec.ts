/**
 * Three NATS servers and two of each service lose every kind of process, servers and a link, are scaled and replaced,
 * all under load: the short form of `npm run test:cluster`. Nothing accepted is lost, second copies are of what was in
 * flight, no site gets more connections than it may, and every mail ends.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from './cluster.js';
import { faultsOf, lineOf, tableOf } from './print.js';
import { ClusterRun } from './run.js';
import { shortForm } from './scenarios.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** The machine runs other tests beside. */
const mailsASecond = 60;

let cluster: Cluster | undefined;
beforeAll(async () => {
  cluster = await Cluster.make();
  await cluster.start();
});
afterAll(() => cluster?.stop());

test('every kind of event once', { timeout: 900_000 }, async () => {
  if (cluster === undefined) throw new Error('there is no cluster');
  const run = new ClusterRun(cluster, (row) => say(lineOf(row)), mailsASecond);
  for (const scenario of shortForm) await run.run(scenario);
  const report = await run.report();
  say(tableOf(report.rows));
  for (const text of report.skipped) say(`skipped: ${text}`);
  expect(faultsOf(report)).toEqual([]);
});
