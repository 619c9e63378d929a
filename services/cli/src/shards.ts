/** All shards at once: who owns them, and one question to each owner. */
import { NobodyAnswers, type Bus, type Ref } from '@postrider/bus';
import { queueManager, shard as shardProtocol, type ShardOwnership } from '@postrider/protocol';
import { CommandFailed } from './command.js';

export type ShardRef = Ref<(typeof shardProtocol)['messages']>;

export interface Answers<T> {
  readonly answers: readonly T[];
  /** Shards that nobody owns right now, or whose owner does not answer. */
  readonly silent: readonly string[];
}

export async function ownerships(bus: Bus): Promise<readonly ShardOwnership[]> {
  try {
    return (await bus.ref(queueManager).ask('shards', {})).shards;
  } catch (error) {
    if (error instanceof NobodyAnswers) throw new CommandFailed('no queue-manager is running');
    throw error;
  }
}

export async function askShards<T>(bus: Bus, ask: (ref: ShardRef) => Promise<T>): Promise<Answers<T>> {
  const shards = await ownerships(bus);
  const answers: T[] = [];
  const silent: string[] = [];
  await Promise.all(
    shards.map(async ({ shard }) => {
      try {
        answers.push(await ask(bus.ref(shardProtocol, shard)));
      } catch {
        silent.push(shard);
      }
    }),
  );
  return { answers, silent };
}
