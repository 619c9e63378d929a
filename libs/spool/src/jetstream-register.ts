/** Leases in a KV bucket in memory storage (DESIGN §4): they cost no fsync and are politeness, not safety. */
import { times } from '@postrider/protocol';
import { StorageType, type NatsConnection } from 'nats';
import type { Register } from './log.js';

const bucket = 'MTA-LEASES';

export async function jetStreamRegister(connection: NatsConnection, replicas: number): Promise<Register> {
  const kv = await connection
    .jetstream({ timeout: times.ask })
    .views.kv(bucket, { storage: StorageType.Memory, ttl: times.leaseTtl, history: 1, replicas });
  return {
    async get(key) {
      const entry = await kv.get(key);
      return entry === null || entry.operation !== 'PUT'
        ? undefined
        : { value: entry.value, revision: entry.revision };
    },
    create: (key, value) => unlessTaken(kv.create(key, value)),
    update: (key, value, revision) => unlessTaken(kv.update(key, value, revision)),
    delete: (key) => kv.delete(key),
  };
}

/** Wrong last sequence: another was first. */
async function unlessTaken(write: Promise<number>): Promise<number | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof Error && /wrong last sequence/i.test(error.message)) return undefined;
    throw error;
  }
}
