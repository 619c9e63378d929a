/** Subjects from protocols: pool `mta.v1.<name>.<message>`, keyed `mta.v1.<name>.<key>.<message>`. */
import type { Protocol } from '@postrider/actor';

const token = /^[A-Za-z0-9_-]+$/;

/** What all subjects of an actor begin with; a message's name follows after a dot. */
export function addressOf({ name, placement }: Pick<Protocol, 'name' | 'placement'>, key?: string): string {
  if (placement === 'pool') return `mta.v1.${name}`;
  if (key === undefined || !token.test(key)) throw new Error(`${name} needs a key of letters, digits, - and _; got '${key}'`);
  return `mta.v1.${name}.${key}`;
}

export const messageOf = (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1);
