/** The access file: a rule of access.ts a line. `#` begins a comment. */
import { parseAccessRule, type AccessRule } from './access.js';

export interface PlacedRule extends AccessRule {
  /** Where it is written: `file:line`, or a key of the configuration. */
  readonly place: string;
}

/**
 * @param file its name, for the places
 * @returns the rules in their order, or where and what is wrong first
 */
export function parseAccessFile(
  text: string,
  file: string,
): readonly PlacedRule[] | { readonly error: string } {
  const rules: PlacedRule[] = [];
  for (const [n, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const place = `${file}:${n + 1}`;
    const rule = parseAccessRule(line);
    if ('error' in rule) return { error: `${place}: ${rule.error}` };
    rules.push({ ...rule, place });
  }
  return rules;
}
