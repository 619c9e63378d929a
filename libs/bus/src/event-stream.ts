/** The stream EVENTS: a bounded memory of what happened, for `trace`; it never slows down or refuses mail. */
import { isAtLeast } from '@postrider/nats-server';
import type { EventRecord } from '@postrider/protocol';
import {
  DeliverPolicy,
  DiscardPolicy,
  NatsError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type NatsConnection,
  type StreamConfig,
} from 'nats';
import { parsedJson } from './watch.js';

const stream = 'EVENTS';
const subjects = ['mta.events.>'];
/** Events a fetch, and how long one may take, milliseconds. */
const batch = 1000;
const batchWithin = 2_000;
/** JetStream's error codes. */
const streamNotFound = 10059;

/** Knows `persist_mode: async`: a message is acknowledged before it is written, which is right for telemetry. */
const persistModeSince = '2.12.0';
/** On older servers each event in a file would cost an fsync beside the mail's: memory then, and less of it. */
const memoryLimitInOctets = 128 * 1024 * 1024;

/** A stream that is there is left as it is. */
export async function prepareEvents(connection: NatsConnection, maxSizeInOctets: number): Promise<void> {
  const manager = await connection.jetstreamManager();
  if (await isThere(manager)) return;
  const config = {
    name: stream,
    subjects,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_bytes: maxSizeInOctets,
    num_replicas: 1,
    no_ack: true,
  };
  if (isAtLeast(connection.info?.version ?? '', persistModeSince)) {
    const inFile: Partial<StreamConfig> & { persist_mode: string } = {
      ...config,
      storage: StorageType.File,
      persist_mode: 'async',
    };
    await manager.streams.add(inFile);
  } else {
    const limit = Math.min(maxSizeInOctets, memoryLimitInOctets);
    await manager.streams.add({ ...config, storage: StorageType.Memory, max_bytes: limit });
  }
}

async function isThere(manager: JetStreamManager): Promise<boolean> {
  try {
    await manager.streams.info(stream);
    return true;
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === streamNotFound) return false;
    throw error;
  }
}

/** What is stored from a time on, in order, up to what was the last one at the start; nothing without the stream. */
export async function* storedEvents(
  connection: NatsConnection,
  { since, subject }: { readonly since: number; readonly subject?: string },
): AsyncGenerator<EventRecord> {
  if (!(await isThere(await connection.jetstreamManager()))) return;
  const consumer = await connection.jetstream().consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(since).toISOString(),
    filterSubjects: subject ?? subjects,
  });
  try {
    const { num_pending: pending } = await consumer.info();
    for (let left = pending; left > 0;) {
      const messages = await consumer.fetch({ max_messages: Math.min(left, batch), expires: batchWithin });
      const before = left;
      for await (const message of messages) {
        left--;
        const record = parsedJson(message.data) as EventRecord | undefined;
        if (record) yield record;
      }
      // Old events fell out of the stream meanwhile: what was counted is not all there any more.
      if (left === before) return;
    }
  } finally {
    await consumer.delete();
  }
}
