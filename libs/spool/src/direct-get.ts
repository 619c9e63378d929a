/** Batched Direct Get (ADR-31): messages of a stream without a consumer; one at a time on servers before 2.11. */
import { inboxOf } from '@postrider/nats-server';
import type { Msg, NatsConnection } from 'nats';
import type { LogMessage, ReadLimit } from './log.js';

interface DirectGet {
  readonly seq: number;
  readonly next_by_subj: string;
}

/** A batch that stalls for this long is given up; the reader asks again from where it is. */
const silence = 5_000;

/** Status codes that end an answer: the batch is complete; nothing is there. */
const batchComplete = 204;
const nothingThere = 404;

/** @returns in order, none when there is nothing from that sequence on; @throws when nobody answers */
export function readBatch(
  connection: NatsConnection,
  stream: string,
  request: DirectGet,
  limit: ReadLimit,
): Promise<readonly LogMessage[]> {
  const batched = supportsBatches(connection);
  const body = batched ? { ...request, batch: limit.messages, max_bytes: limit.octets } : request;
  const inbox = inboxOf(connection);
  return new Promise((resolve, reject) => {
    const found: LogMessage[] = [];
    const end = (error?: Error): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      if (error) reject(error);
      else resolve(found);
    };
    const late = (): void => end(new Error(`${stream}: Direct Get was silent for ${silence} ms`));
    let timer: NodeJS.Timeout | undefined;
    const take = (message: Msg): void => {
      const status = message.headers?.code ?? 0;
      if (status === batchComplete || status === nothingThere) end();
      else if (status !== 0)
        end(new Error(`${stream}: Direct Get: ${status} ${message.headers?.description ?? ''}`));
      else {
        found.push({
          sequence: Number(message.headers?.get('Nats-Sequence')),
          subject: message.headers?.get('Nats-Subject') ?? '',
          payload: message.data,
        });
        if (batched) timer = restarted(timer, late);
        else end();
      }
    };
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => (error ? end(error) : take(message)),
    });
    connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(body), { reply: inbox });
    timer = setTimeout(late, silence);
  });
}

function restarted(timer: NodeJS.Timeout | undefined, late: () => void): NodeJS.Timeout {
  clearTimeout(timer);
  return setTimeout(late, silence);
}

function supportsBatches(connection: NatsConnection): boolean {
  const [major = 0, minor = 0] = (connection.info?.version ?? '').split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 11);
}
