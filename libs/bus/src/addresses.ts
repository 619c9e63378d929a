/** Subjects from protocols: pool `mta.v1.<name>.<message>`, keyed `mta.v1.<name>.<key>.<message>`. */
import type { Protocol } from '@postrider/actor';

const token = /^[A-Za-z0-9_-]+$/;

/**
 * What all subjects of an actor begin with; a message's name follows after a dot.
 * @throws when a keyed protocol's key is no single token of letters, digits, `-` and `_`
 */
export function addressOf({ name, placement }: Pick<Protocol, 'name' | 'placement'>, key?: string): string {
  if (placement === 'pool') {
    if (key !== undefined) throw new Error(`${name} is a pool and has no key; got '${key}'`);
    return `mta.v1.${name}`;
  }
  if (key === undefined || !token.test(key))
    throw new Error(
      `${name} needs a key of letters, digits, - and _; got ${key === undefined ? 'none' : `'${key}'`}`,
    );
  return `mta.v1.${name}.${key}`;
}

export const messageOf = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);

/** Whether a subject is within a pattern with NATS's wildcards: `*` for one token, `>` for one or more at the end. */
export function isWithin(subject: string, pattern: string): boolean {
  const [tokens, wanted] = [subject.split('.'), pattern.split('.')];
  const open = wanted.at(-1) === '>';
  if (open ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((part, i) => part === '*' || (open && i === wanted.length - 1) || part === tokens[i]);
}
