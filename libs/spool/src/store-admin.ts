/** What only an operator does with the streams: makes and ends a restore, removes streams, changes their copies and subjects. */
import { connectNats, type NatsAddress } from '@postrider/nats-server';
import { RetentionPolicy, StorageType, type JetStreamManager } from 'nats';
import { restoreMark } from './jetstream.js';
import { leaseStream } from './jetstream-register.js';
import { quarantineStream, shardStreams, streamsOf, subjects } from './names.js';

export interface StoreAdmin {
  /** Names of all streams. */
  streams(): Promise<readonly string[]>;
  messagesIn(stream: string): Promise<number>;
  /** From now on services that start wait, and say why. In as many copies as the mail. */
  beginRestore(replicas: number): Promise<void>;
  restoring(): Promise<boolean>;
  endRestore(): Promise<void>;
  remove(streams: readonly string[]): Promise<void>;
  /** One message, for good. */
  erase(stream: string, sequence: number): Promise<void>;
  /** @returns the streams that had another number before */
  setReplicas(replicas: number): Promise<readonly string[]>;
  /** No new mail comes to the shard: what is there goes on. */
  closeShard(shard: string): Promise<void>;
  /** Of the stream that new mail of the shard comes to. */
  lastSegment(shard: string): Promise<number>;
  close(): Promise<void>;
}

/** A change of copies waits for an election. */
const answeredWithin = 20_000;

/** @throws NatsError when no server answers */
export async function connectStoreAdmin(address: NatsAddress, name: string): Promise<StoreAdmin> {
  const connection = await connectNats(address, name);
  const manager = await connection.jetstreamManager({ timeout: answeredWithin });
  const names = (): Promise<readonly string[]> => namesOf(manager);
  return {
    streams: names,
    messagesIn: async (stream) => (await manager.streams.info(stream)).state.messages,
    async beginRestore(replicas) {
      if ((await names()).includes(restoreMark)) return;
      await manager.streams.add({
        name: restoreMark,
        subjects: ['mta.v1.restoring'],
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
        max_msgs: 1,
        num_replicas: replicas,
      });
    },
    restoring: async () => (await names()).includes(restoreMark),
    async endRestore() {
      await manager.streams.delete(restoreMark);
    },
    async remove(streams) {
      for (const stream of streams) await manager.streams.delete(stream);
    },
    async erase(stream, sequence) {
      await manager.streams.deleteMessage(stream, sequence);
    },
    setReplicas: (replicas) => setReplicas(manager, replicas),
    async closeShard(shard) {
      await manager.streams.update(streamsOf(shard).spool, { subjects: [subjects.outcome(shard)] });
    },
    lastSegment: (shard) => lastSegment(manager, shard),
    close: () => connection.close(),
  };
}

async function namesOf(manager: JetStreamManager): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of manager.streams.names()) found.push(name);
  return found;
}

/** The lease bucket, the shards' streams and QUARANTINE. EVENTS has one copy: it is written without waiting for a disk, which the server does for one copy alone. */
async function setReplicas(manager: JetStreamManager, replicas: number): Promise<readonly string[]> {
  const known = await namesOf(manager);
  const spool = known.filter((name) => isOfShard(name) || name === quarantineStream);
  const changed: string[] = [];
  for (const name of [leaseStream, ...spool].filter((one) => known.includes(one))) {
    if ((await manager.streams.info(name)).config.num_replicas === replicas) continue;
    await manager.streams.update(name, { num_replicas: replicas });
    changed.push(name);
  }
  return changed;
}

const prefixes = shardStreams('').map(({ name }) => name);
/** `SPOOL-3`, `DEFER-CONTENT-3`, … */
export const isOfShard = (stream: string): boolean => prefixes.some((prefix) => stream.startsWith(prefix));

const noMessageFound = 10037;

async function lastSegment(manager: JetStreamManager, shard: string): Promise<number> {
  try {
    const { seq } = await manager.streams.getMessage(streamsOf(shard).spool, {
      last_by_subj: subjects.segment(shard),
    });
    return seq;
  } catch (error) {
    const code = (error as { readonly api_error?: { readonly err_code?: number } }).api_error?.err_code;
    if (code === noMessageFound) return 0;
    throw error;
  }
}
