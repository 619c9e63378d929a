/** The words after `npm run … --`: what makes no sense is one line to standard error and exit 2, as with `postrider`. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

export class WrongWords extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ args: string[]; options: O }>>['values'];

/** @throws WrongWords for a flag that is not among the options, and for a word that is no flag */
export function valuesOf<O extends Options>(words: readonly string[], options: O): Values<O> {
  try {
    return parseArgs({ args: [...words], options }).values;
  } catch (error) {
    // Its first sentence tells what is wrong, the others what else it might have been.
    const [text = ''] = (error instanceof Error ? error.message : String(error)).split(/\.?(?:\n|\. )/);
    throw new WrongWords(text);
  }
}

/** @returns the exit code for words that make no sense. @throws what is another fault */
export function usageError(program: string, usage: string, error: unknown): number {
  if (!(error instanceof WrongWords)) throw error;
  process.stderr.write(`${program}: ${error.message}\n${usage}\n`);
  return 2;
}

/** @throws WrongWords */
export function wholeNumber(flag: string, text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new WrongWords(`${flag} takes a whole number, not '${text}'`);
  return Number(text);
}

/** Of `--minutes`. @throws WrongWords */
export function minutesOf(text: string): number {
  if (!/^[0-9]+(?:\.[0-9]+)?$/.test(text) || Number(text) === 0)
    throw new WrongWords(`--minutes takes a number above 0, not '${text}'`);
  return Number(text);
}

/** @throws WrongWords */
export function atLeastOne(flag: string, text: string): number {
  const number = wholeNumber(flag, text);
  if (number === 0) throw new WrongWords(`${flag} takes 1 at least`);
  return number;
}
