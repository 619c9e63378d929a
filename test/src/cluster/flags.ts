/** What `npm run test:cluster -- …` is asked for. */
import { minutesOf, valuesOf, wholeNumber, WrongWords } from '../words.js';

export interface Asked {
  readonly help: boolean;
  /** At random for so long; undefined: each scenario once. */
  readonly minutes: number | undefined;
  readonly seed: number | undefined;
  /** Of the names of all scenarios; undefined: the short form, with `minutes` all. */
  readonly only: RegExp | undefined;
}

export const usage = 'usage: npm run test:cluster -- [--only PATTERN] [--minutes N [--seed N]]';
export const summary = `three NATS servers and two of each service under load, while something dies, is cut off or replaced,
and what that costs, as a table: every kind of event once, about three minutes;
--only: those of all events whose name matches; --minutes: at random for so long; --seed repeats their order

exit: 0 no promise was broken, 1 one was or the run failed, 2 usage; after SIGINT 130, after SIGTERM 143`;

/** @throws WrongWords */
export function parseFlags(words: readonly string[]): Asked {
  const {
    help = false,
    minutes,
    seed,
    only,
  } = valuesOf(words, {
    help: { type: 'boolean', short: 'h' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
  });
  if (seed !== undefined && minutes === undefined) throw new WrongWords('--seed needs --minutes');
  return {
    help,
    minutes: minutes === undefined ? undefined : minutesOf(minutes),
    seed: seed === undefined ? undefined : wholeNumber('--seed', seed),
    only: only === undefined ? undefined : patternOf(only),
  };
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new WrongWords(`--only takes a regular expression, not '${text}'`);
  }
}
