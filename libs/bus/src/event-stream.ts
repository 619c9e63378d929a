/** The stream EVENTS: a bounded memory of what happened, for `trace`; it never slows down or refuses mail. */
import type { EventRecord } from '@postrider/protocol';
import { DeliverPolicy, DiscardPolicy, RetentionPolicy, StorageType, type NatsConnection, type StreamConfig } from 'nats';

const stream = 'EVENTS';
const subjects = ['mta.events.>'];
const batch = 1000;

/** A message of `persist_mode: async` is acknowledged before it is written: right for telemetry, and cheap. */
export async function prepareEvents(connection: NatsConnection, maxSizeInOctets: number): Promise<void> {
  const manager = await connection.jetstreamManager();
  const known = await manager.streams.info(stream).then(
    () => true,
    () => false,
  );
  if (known) return;
  const config = {
    name: stream,
    subjects,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_bytes: maxSizeInOctets,
    num_replicas: 1,
    no_ack: true,
  };
  try {
    const persisted: Partial<StreamConfig> & { persist_mode: string } = { ...config, storage: StorageType.File, persist_mode: 'async' };
    await manager.streams.add(persisted);
  } catch {
    // A server before 2.12 knows no persist_mode, and in a file each event would cost an fsync: memory then.
    await manager.streams.add({ ...config, storage: StorageType.Memory });
  }
}

/** What is stored from a time on, in order, up to now. */
export async function* storedEvents(
  connection: NatsConnection,
  { since, subject }: { readonly since: number; readonly subject?: string },
): AsyncGenerator<EventRecord> {
  const consumer = await connection.jetstream().consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(since).toISOString(),
    filterSubjects: subject ?? subjects,
  });
  const { num_pending: pending } = await consumer.info();
  for (let left = pending; left > 0; ) {
    const messages = await consumer.fetch({ max_messages: Math.min(left, batch), expires: 2000 });
    const before = left;
    for await (const message of messages) {
      left--;
      const record = parse(message.data);
      if (record) yield record;
    }
    // Old events fell out of the stream meanwhile: what was counted is not all there any more.
    if (left === before) return;
  }
}

function parse(octets: Uint8Array): EventRecord | undefined {
  try {
    return JSON.parse(Buffer.from(octets).toString('utf8')) as EventRecord;
  } catch {
    return undefined;
  }
}
