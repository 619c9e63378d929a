/** Leases in a KV bucket in memory storage (DESIGN §4): they cost no fsync and are politeness, not safety. */
import { times } from '@postrider/protocol';
import { StorageType, type KV, type NatsConnection } from 'nats';
import type { Register } from './log.js';

const bucket = 'MTA-LEASES';
/** The bucket's stream. */
export const leaseStream = `KV_${bucket}`;

/** @param options `create` false: the bucket is there already, in as many copies as the operator chose */
export async function jetStreamRegister(
  connection: NatsConnection,
  { replicas, create = true }: { readonly replicas: number; readonly create?: boolean },
): Promise<Register> {
  const options = create
    ? { storage: StorageType.Memory, ttl: times.leaseTtl, history: 1, replicas }
    : { bindOnly: true, allow_direct: true };
  const open = (): Promise<KV> => connection.jetstream({ timeout: times.ask }).views.kv(bucket, options);
  let kv = await open();
  /** A single server that was started again has lost its memory: the bucket is made anew, and it is asked once more. */
  const withBucket = async <T>(act: (kv: KV) => Promise<T>): Promise<T> => {
    try {
      return await act(kv);
    } catch (error) {
      if (isTaken(error)) throw error;
      kv = await open();
      return act(kv);
    }
  };
  return {
    get: (key) =>
      withBucket(async (leases) => {
        const entry = await leases.get(key);
        return entry === null || entry.operation !== 'PUT'
          ? undefined
          : { value: entry.value, revision: entry.revision };
      }),
    create: (key, value) => unlessTaken(withBucket((leases) => leases.create(key, value))),
    update: (key, value, revision) =>
      unlessTaken(withBucket((leases) => leases.update(key, value, revision))),
    delete: (key) => withBucket((leases) => leases.delete(key)),
  };
}

/** Another was first. */
const isTaken = (error: unknown): boolean =>
  error instanceof Error && /wrong last sequence/i.test(error.message);

async function unlessTaken(write: Promise<number>): Promise<number | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isTaken(error)) return undefined;
    throw error;
  }
}
