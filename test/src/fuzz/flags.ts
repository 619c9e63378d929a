/** What `npm run test:fuzz -- …` is asked for. */
import { atLeastOne, minutesOf, valuesOf, wholeNumber, WrongWords } from '../words.js';

export interface Asked {
  readonly help: boolean;
  readonly minutes: number;
  readonly seed: number | undefined;
  /** Number of the first session. */
  readonly from: number;
  /** So many of them instead of minutes. */
  readonly sessions: number | undefined;
  /** The plan of each session, before they run. */
  readonly show: boolean;
}

export const usage =
  'usage: npm run test:fuzz -- [--minutes N] [--seed S]\n' +
  '                          | --seed S --sessions N [--from N] [--show]';
export const summary = `random sessions against smtp-ingress, from every state and cut into packets anywhere
--minutes: for so long, 1 without it; --seed: those of an earlier run, which printed it;
--sessions: so many instead, the first of them --from (0); --show prints what each says

exit: 0 all was as it should be, 1 something was not, 2 usage`;

/** @throws WrongWords */
export function parseFlags(words: readonly string[]): Asked {
  const values = valuesOf(words, {
    help: { type: 'boolean', short: 'h' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string' },
    sessions: { type: 'string' },
    show: { type: 'boolean' },
  });
  const { help = false, minutes, seed, from, sessions, show = false } = values;
  if (minutes !== undefined && sessions !== undefined)
    throw new WrongWords('--minutes and --sessions exclude one another');
  if (sessions === undefined && (show || from !== undefined))
    throw new WrongWords('--from and --show need --sessions');
  if (sessions !== undefined && seed === undefined) throw new WrongWords('--sessions needs --seed');
  return {
    help,
    minutes: minutes === undefined ? 1 : minutesOf(minutes),
    seed: seed === undefined ? undefined : wholeNumber('--seed', seed),
    from: from === undefined ? 0 : wholeNumber('--from', from),
    sessions: sessions === undefined ? undefined : atLeastOne('--sessions', sessions),
    show,
  };
}
