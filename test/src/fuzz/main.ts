/**
 * `npm run test:fuzz`: sessions at random against smtp-ingress, for as long as it is told.
 *
 *   npm run test:fuzz -- --minutes 60              its seed is printed
 *   npm run test:fuzz -- --seed S --from N --sessions 1 --show    one session again, and what it says
 */
import { parseArgs } from 'node:util';
import { fuzz, sessionOf } from './fuzz.js';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string' },
    sessions: { type: 'string' },
    show: { type: 'boolean' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const seed = Number(flags.seed ?? Date.now() % 1_000_000);
const from = Number(flags.from ?? 0);
const end = performance.now() + Number(flags.minutes ?? 1) * 60_000;
const most = flags.sessions === undefined ? undefined : Number(flags.sessions);
say(`seed ${seed}`);
if (flags.show === true)
  for (let n = from; n < from + (most ?? 1); n++) say(JSON.stringify(sessionOf(seed, n), undefined, 1));

const report = await fuzz({
  seed,
  from,
  ...(most === undefined ? { goesOn: () => performance.now() < end } : { sessions: most }),
  say,
});
const mebi = (octets: number): string => (octets / 1024 / 1024).toFixed(1);
say(
  `${report.sessions} sessions, ${report.mails} mails; ${mebi(report.usedAtFirst)} MiB, then ${mebi(report.usedAtLast)}`,
);
for (const problem of report.problems) say(`npm run test:fuzz -- --seed ${seed} ...: ${problem}`);
if (report.problems.length > 0) process.exitCode = 1;
