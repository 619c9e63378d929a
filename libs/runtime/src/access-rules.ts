/** The access rules of a configuration and of the file that it names. */
import { readFileSync } from 'node:fs';
import { parseAccessFile, type PlacedRule } from '@postrider/mail';
import type { Config } from './config/schema.js';
import { StartError } from './service.js';

/** @returns them in the order in which they are asked. @throws StartError for a file that can't be read, or is bad */
export function readAccessRules({ rules, file }: Config['access']): readonly PlacedRule[] {
  const own = rules.map((rule, n) => ({ ...rule, place: `access.rules[${n}]` }));
  return file === '' ? own : [...own, ...rulesOfFile(file)];
}

function rulesOfFile(file: string): readonly PlacedRule[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(`access.file: ${error instanceof Error ? error.message : String(error)}`);
  }
  const rules = parseAccessFile(text, file);
  if ('error' in rules) throw new StartError(rules.error);
  return rules;
}
