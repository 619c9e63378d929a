/** What is published on a subject from now on, JSON decoded: events and gauges for those who watch. */
import type { NatsConnection } from 'nats';

export interface Watched {
  readonly subject: string;
  readonly value: unknown;
}

export type Watch = AsyncIterable<Watched> & { stop(): void };

export function watch(connection: NatsConnection, subject: string): Watch {
  const subscription = connection.subscribe(subject);
  let stopped = false;
  return {
    stop: () => {
      stopped = true;
      subscription.unsubscribe();
    },
    async *[Symbol.asyncIterator]() {
      for await (const message of subscription) {
        if (stopped) return;
        const value = parsedJson(message.data);
        if (value !== undefined) yield { subject: message.subject, value };
      }
    },
  };
}

/** @returns undefined for what is no JSON: anybody may publish on our subjects */
export function parsedJson(octets: Uint8Array): unknown {
  try {
    return JSON.parse(
      Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8'),
    ) as unknown;
  } catch {
    return undefined;
  }
}
