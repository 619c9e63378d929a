/** How the streams of an account are: who leads them, which copies lag. What a client may ask without the system account. */
import type { NatsConnection } from 'nats';
import { connectNats, type NatsAddress } from './connect.js';

/** A copy besides the leader's. */
export interface ReplicaState {
  readonly server: string;
  readonly current: boolean;
  readonly offline: boolean;
  /** Operations of the leader that it has not applied. */
  readonly lag: number;
  /** Since it was last heard of, milliseconds. */
  readonly silentFor: number;
}

export interface StreamState {
  readonly stream: string;
  /** Copies that there should be. */
  readonly wanted: number;
  /** Absent while the copies have not agreed on one: nothing is written meanwhile. */
  readonly leader?: string;
  readonly replicas: readonly ReplicaState[];
  readonly messages: number;
  readonly octets: number;
  /** -1: no limit. */
  readonly maxOctets: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

export interface StreamWatch {
  /** The server that this connection is to, right now; undefined while it is away. */
  server(): { readonly name: string; readonly version: string } | undefined;
  /** @throws NatsError when nobody answers */
  states(): Promise<readonly StreamState[]>;
  close(): Promise<void>;
}

/** A server waits four seconds for leaders that do not answer. */
const listedWithin = 8_000;

/** @throws NatsError when no server answers */
export async function watchStreams(address: NatsAddress, name: string): Promise<StreamWatch> {
  const connection = await connectNats(address, name);
  return {
    server: () => connection.info && { name: connection.info.server_name, version: connection.info.version },
    states: () => streamStates(connection),
    close: () => connection.close(),
  };
}

async function streamStates(connection: NatsConnection): Promise<readonly StreamState[]> {
  const found: StreamState[] = [];
  for (;;) {
    const request = JSON.stringify({ offset: found.length });
    const message = await connection.request('$JS.API.STREAM.LIST', request, { timeout: listedWithin });
    const page = message.json<StreamPage>();
    if (page.error) throw new Error(`JetStream: ${page.error.description}`);
    const before = found.length;
    found.push(...(page.streams ?? []).map(stateOf), ...(page.missing ?? []).map(leaderless));
    if (found.length >= page.total || found.length === before) break;
  }
  return found.sort((a, b) => a.stream.localeCompare(b.stream, 'en', { numeric: true }));
}

const leaderless = (stream: string): StreamState => ({
  stream,
  wanted: 0,
  replicas: [],
  messages: 0,
  octets: 0,
  maxOctets: -1,
  firstSequence: 0,
  lastSequence: 0,
});

const nanosecondsPerMillisecond = 1e6;

/** JetStream's answer to STREAM.LIST, as far as it is read here (nats-server: server/jetstream_api.go). */
interface StreamPage {
  readonly total: number;
  readonly error?: { readonly description: string };
  readonly streams?: readonly ListedStream[];
  readonly missing?: readonly string[];
}

interface ListedStream {
  readonly config: { readonly name: string; readonly num_replicas: number; readonly max_bytes: number };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
  };
  readonly cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly {
      readonly name: string;
      readonly current: boolean;
      readonly offline?: boolean;
      readonly lag?: number;
      readonly active: number;
    }[];
  };
}

function stateOf({ config, state, cluster }: ListedStream): StreamState {
  return {
    stream: config.name,
    wanted: config.num_replicas,
    ...(cluster?.leader === undefined || cluster.leader === '' ? {} : { leader: cluster.leader }),
    replicas: (cluster?.replicas ?? []).map(({ name, current, offline = false, lag = 0, active }) => ({
      server: name,
      current,
      offline,
      lag,
      silentFor: Math.round(active / nanosecondsPerMillisecond),
    })),
    messages: state.messages,
    octets: state.bytes,
    maxOctets: config.max_bytes,
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
  };
}
