/**
 * NATS micro (ADR-32) by hand: `$SRV.PING|INFO|STATS[.<name>[.<id>]]`. Each protocol that this process hosts is a
 * service `postrider-<name>` with an endpoint a message; its id is the process's instance name. The client library's
 * services know no pause, count no fault of a later answer, and would want a registration for each of a thousand
 * channels: here a keyed protocol is one service, its keys in the statistics.
 */
import type { Msg, NatsConnection } from 'nats';
import type { Speaker } from './event-record.js';
import type { HostedActors, HostedProtocol, MessageFigures } from './hosted-actors.js';

/** Enough for shards; of channels the first ones are as good as any. */
const keysShown = 100;
const nanosecondsAMillisecond = 1e6;

export const serviceNameOf = (protocol: string): string => `postrider-${protocol}`;

/** Answers for as long as the connection lasts. */
export function answerDiscovery(connection: NatsConnection, local: HostedActors, speaker: Speaker): void {
  connection.subscribe('$SRV.>', {
    callback: (error, message) => {
      if (!error) answer(message, local, speaker);
    },
  });
}

/** Must not throw: the client library reads no further after that. */
function answer(message: Msg, local: HostedActors, speaker: Speaker): void {
  const [, verb, name, id] = message.subject.split('.');
  for (const hosted of local.protocols.values()) {
    const own = serviceNameOf(hosted.protocol.name);
    if (hosted.actors.size === 0 || (name !== undefined && name !== own)) continue;
    if (id !== undefined && id !== speaker.instance) continue;
    const record = described(verb, hosted, speaker);
    try {
      if (record) message.respond(Buffer.from(JSON.stringify(record)));
    } catch {
      // The connection is closing, and with it what was asked for.
    }
  }
}

function described(verb: string | undefined, hosted: HostedProtocol, speaker: Speaker): object | undefined {
  const { protocol } = hosted;
  const service = {
    name: serviceNameOf(protocol.name),
    id: speaker.instance,
    version: speaker.version,
    metadata: { placement: protocol.placement },
  };
  const messages = Object.keys(protocol.messages);
  switch (verb) {
    case 'PING':
      return { type: 'io.nats.micro.v1.ping_response', ...service };
    case 'INFO':
      return {
        type: 'io.nats.micro.v1.info_response',
        ...service,
        description: `Postrider ${protocol.name}`,
        endpoints: messages.map((message) => endpoint(hosted, message)),
      };
    case 'STATS':
      return {
        type: 'io.nats.micro.v1.stats_response',
        ...service,
        started: hosted.started.toISOString(),
        endpoints: messages.map((message) => ({
          ...endpoint(hosted, message),
          ...statistics(hosted.figures[message]),
          data: numbersOf(hosted),
        })),
      };
    default:
      return undefined;
  }
}

function endpoint({ protocol: { name, placement } }: HostedProtocol, message: string): object {
  return placement === 'pool'
    ? { name: message, subject: `mta.v1.${name}.${message}`, queue_group: name, metadata: {} }
    : { name: message, subject: `mta.v1.${name}.*.${message}`, queue_group: '', metadata: {} };
}

function statistics(figures: MessageFigures | undefined): object {
  const { requests, errors, lastError, milliseconds } = figures ?? {
    requests: 0,
    errors: 0,
    lastError: '',
    milliseconds: 0,
  };
  const nanoseconds = Math.round(milliseconds * nanosecondsAMillisecond);
  return {
    num_requests: requests,
    num_errors: errors,
    last_error: lastError,
    processing_time: nanoseconds,
    average_processing_time: requests === 0 ? 0 : Math.round(nanoseconds / requests),
  };
}

function numbersOf({ actors }: HostedProtocol): object {
  const all = [...actors];
  const keys = all.flatMap(({ key }) => (key === undefined ? [] : [key]));
  return {
    actors: all.length,
    paused: all.filter(({ paused }) => paused).length,
    waiting: all.reduce((sum, { actor }) => sum + (actor?.waiting ?? 0), 0),
    ...(keys.length === 0 ? {} : { keys: keys.slice(0, keysShown) }),
  };
}
