/**
 * `npm run test:fuzz`: sessions at random against smtp-ingress, for as long as it is told.
 *
 *   npm run test:fuzz -- --minutes 60              its seed is printed
 *   npm run test:fuzz -- --seed S --from N --sessions 1 --show    one session again, and what it says
 *   npm run test:fuzz -- --help
 */
import { usageError } from '../words.js';
import { parseFlags, summary, usage, type Asked } from './flags.js';
import { fuzz, sessionOf } from './fuzz.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const asked = parseFlags(process.argv.slice(2));
    if (!asked.help) return await run(asked);
    say(`${usage}\n${summary}`);
    return 0;
  } catch (error) {
    return usageError('test:fuzz', usage, error);
  }
}

/** @returns the exit code */
async function run(asked: Asked): Promise<number> {
  const { minutes, from, sessions, show } = asked;
  const seed = asked.seed ?? Date.now() % 1_000_000;
  const end = performance.now() + minutes * 60_000;
  say(`seed ${seed}`);
  if (show)
    for (let n = from; n < from + (sessions ?? 0); n++) say(JSON.stringify(sessionOf(seed, n), undefined, 1));
  const report = await fuzz({
    seed,
    from,
    ...(sessions === undefined ? { goesOn: () => performance.now() < end } : { sessions }),
    say,
  });
  const mebi = (octets: number): string => (octets / 1024 / 1024).toFixed(1);
  say(
    `${report.sessions} sessions, ${report.mails} mails; ${mebi(report.usedAtFirst)} MiB, then ${mebi(report.usedAtLast)}`,
  );
  for (const problem of report.problems) say(`npm run test:fuzz -- --seed ${seed} ...: ${problem}`);
  return report.problems.length > 0 ? 1 : 0;
}
