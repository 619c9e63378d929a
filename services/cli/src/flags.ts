/** Flags of a command, by node:util's parseArgs; every command takes --config and --json. */
import { parseArgs } from 'node:util';
import { UsageError } from './command.js';

interface Flag {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: true;
}
type Flags = Readonly<Record<string, Flag>>;

const common = { config: { type: 'string', short: 'c' }, json: { type: 'boolean' } } as const satisfies Flags;

type ValueOf<F> = F extends { readonly type: 'boolean' }
  ? boolean
  : F extends { readonly multiple: true }
    ? string[]
    : string;
type Values<T extends Flags> = { readonly [K in keyof T]?: ValueOf<T[K]> };

export interface ParsedFlags<T extends Flags> {
  readonly values: Values<T & typeof common>;
  readonly positionals: readonly string[];
}

/**
 * @param most words besides flags
 * @throws UsageError for a flag that is unknown or has no value, and for a word too many
 */
export function parseFlags<const T extends Flags>(
  words: readonly string[],
  flags: T,
  most: number,
): ParsedFlags<T> {
  const parsed = parse(words, flags);
  const extra = parsed.positionals[most];
  if (extra !== undefined) throw new UsageError(`'${extra}' is a word too many`);
  return parsed;
}

function parse<const T extends Flags>(words: readonly string[], flags: T): ParsedFlags<T> {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      options: { ...common, ...flags },
      allowPositionals: true,
      strict: true,
    });
    return { values, positionals };
  } catch (error) {
    // Its first sentence tells what is wrong, the others what else it might have been.
    const [text = ''] = (error instanceof Error ? error.message : String(error)).split(/\.?(?:\n|\. )/);
    throw new UsageError(text);
  }
}

/** `10m`, `2h`, … as milliseconds. */
export function durationOf(text: string): number {
  const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const match = /^([0-9]+)([smhd])$/.exec(text);
  const unit = units[match?.[2] ?? ''];
  if (unit === undefined) throw new UsageError(`'${text}' is no duration: use 30s, 10m, 2h or 1d`);
  return Number(match?.[1]) * unit;
}

/** @param flag its name, for the refusal. @throws UsageError unless it is a whole number of 1 or more */
export function countOf(flag: string, text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(count) || count < 1)
    throw new UsageError(`--${flag} takes a number of 1 or more, not '${text}'`);
  return count;
}
