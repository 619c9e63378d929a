/** Has deferred mail for a domain tried now, by the owners of all shards (RFC 1985). */
import type { Bus } from '@postrider/bus';
import { queueManager, shard as shardProtocol, type MailFilter } from '@postrider/protocol';

/**
 * @returns how many mails it is about, as far as owners could be asked. Rejects when none could, or when those who
 * answered have none and others did not answer.
 */
export type QueueStart = (filter: MailFilter) => Promise<number>;

export function queueStart(bus: Bus): QueueStart {
  const queues = bus.ref(queueManager);
  return async (filter) => {
    const { shards } = await queues.ask('shards', {});
    const asked = shards.map(({ shard }) => bus.ref(shardProtocol, shard).ask('retry', { filter }));
    const answers = await Promise.allSettled(asked);
    const mails = answers.reduce(
      (sum, answer) => sum + (answer.status === 'fulfilled' ? answer.value.ids.length : 0),
      0,
    );
    const silent = answers.find((answer) => answer.status === 'rejected');
    if (silent && mails === 0)
      throw new Error('not all owners of the queue answer', { cause: silent.reason });
    return mails;
  };
}
