/**
 * Is the NATS server that we are connected to cut off from the others? A connection to each of them, and a word from
 * each to each: the servers that hear one another are together. JetStream can't tell: a leader that is cut off
 * answers on for 10 s, and one that has died is silent without any cut.
 */
import type { Msg, NatsConnection } from 'nats';

/** Connections to different servers of a cluster, ours the first; words are repeated until all are heard, or for this long. */
const listensFor = 1_000;
const saidAgainAfter = 100;

/**
 * @param connections the first is ours, each to another server
 * @param inbox subject under which all of them may publish and subscribe
 * @returns places of those that ours should be with instead; empty when it is with most, or none are more together
 */
export async function largerSide(
  connections: readonly NatsConnection[],
  inbox: string,
): Promise<readonly number[]> {
  const heard = new Set<string>();
  let allHeard: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (allHeard = resolve));
  const pairs = connections.length * (connections.length - 1);
  const note = (to: number, message: Msg): void => {
    heard.add(pair(Number(message.string()), to));
    if (heard.size === pairs) allHeard();
  };
  const subscriptions = connections.map((connection, to) =>
    connection.subscribe(`${inbox}.${to}`, {
      callback: (error, message) => (error ? undefined : note(to, message)),
    }),
  );
  const say = (): void => {
    connections.forEach((connection, from) => {
      for (let to = 0; to < connections.length; to++)
        if (to !== from && !connection.isClosed()) connection.publish(`${inbox}.${to}`, String(from));
    });
  };
  say();
  const again = setInterval(say, saidAgainAfter);
  const late = setTimeout(allHeard, listensFor);
  await done;
  clearInterval(again);
  clearTimeout(late);
  for (const subscription of subscriptions) subscription.unsubscribe();
  return largerThanFirst(connections.length, heard);
}

const pair = (from: number, to: number): string => `${from} ${to}`;

/**
 * Pure. @param heard `<from> <to>`: a word of the one came to the other
 * @returns the largest group that hears one another, when it is larger than that of 0
 */
export function largerThanFirst(count: number, heard: ReadonlySet<string>): readonly number[] {
  const together = (a: number, b: number): boolean => heard.has(pair(a, b)) && heard.has(pair(b, a));
  const groups: number[][] = [];
  for (let place = 0; place < count; place++) {
    const joined = groups.filter((group) => group.some((other) => together(place, other)));
    for (const group of joined) groups.splice(groups.indexOf(group), 1);
    groups.push([...joined.flat(), place]);
  }
  const own = groups.find((group) => group.includes(0)) ?? [0];
  const largest = groups.reduce((best, group) => (group.length > best.length ? group : best), own);
  return largest === own ? [] : largest;
}
