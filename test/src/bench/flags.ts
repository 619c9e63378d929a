/** What `npm run bench -- …` is asked for. */
import { atLeastOne, valuesOf, WrongWords } from '../words.js';

export interface Asked {
  readonly help: boolean;
  /** A fifth of the mails, one round. */
  readonly quick: boolean;
  readonly rounds: number;
  readonly only: 'protocol' | 'systems' | undefined;
  /** So many deferred mails instead. */
  readonly deferred: number | undefined;
  readonly intoSpool: boolean;
  /** Workers and queue-managers instead. */
  readonly scale: boolean;
  /** What each service costs instead. */
  readonly byProcess: boolean;
}

export const usage =
  'usage: npm run bench -- [--quick] [--rounds N] [--only protocol|systems]\n' +
  '                        | --deferred N [--into-spool] | --scale [--quick] | --by-process [--quick]';
export const summary = `Postrider beside Postfix (as root, where it is installed) and Haraka (on the PATH, or HARAKA=FILE):
mails/s, CPU a mail, latency, memory; a table, and JSON to test/bench/results/. About ten minutes.
--quick: a fifth of the mails, one round; --rounds: 3, the middle one counts; --only: smtp-ingress alone, or all
but that; --deferred: memory and takeover with so many deferred mails, --into-spool puts them there without SMTP;
--scale: mails/s by workers and queue-managers; --by-process: each service in a process of its own

exit: 0 done, 1 it failed, 2 usage`;

/** @throws WrongWords */
export function parseFlags(words: readonly string[]): Asked {
  const values = valuesOf(words, {
    help: { type: 'boolean', short: 'h' },
    quick: { type: 'boolean' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    deferred: { type: 'string' },
    'into-spool': { type: 'boolean' },
    scale: { type: 'boolean' },
    'by-process': { type: 'boolean' },
  });
  const { help = false, quick = false, rounds, only, deferred, scale = false } = values;
  const [intoSpool, byProcess] = [values['into-spool'] ?? false, values['by-process'] ?? false];
  if (only !== undefined && only !== 'protocol' && only !== 'systems')
    throw new WrongWords(`--only takes protocol or systems, not '${only}'`);
  if (intoSpool && deferred === undefined) throw new WrongWords('--into-spool needs --deferred');
  if ([deferred !== undefined, scale, byProcess, only !== undefined].filter(Boolean).length > 1)
    throw new WrongWords('--deferred, --scale, --by-process and --only exclude one another');
  if (rounds !== undefined && (deferred !== undefined || scale || byProcess))
    throw new WrongWords('--rounds is for the systems beside one another');
  if (quick && deferred !== undefined)
    throw new WrongWords('--deferred says how many itself, without --quick');
  return {
    help,
    quick,
    rounds: rounds === undefined ? (quick ? 1 : 3) : atLeastOne('--rounds', rounds),
    only,
    deferred: deferred === undefined ? undefined : atLeastOne('--deferred', deferred),
    intoSpool,
    scale,
    byProcess,
  };
}
