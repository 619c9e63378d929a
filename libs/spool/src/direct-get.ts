/** Batched Direct Get (ADR-31): messages of a stream without a consumer; one at a time on servers before 2.11. */
import { createInbox, type Msg, type NatsConnection } from 'nats';
import type { LogMessage, ReadLimit } from './log.js';

interface DirectGet {
  readonly seq: number;
  readonly next_by_subj: string;
}

/** A batch that stalls for this long is given up; the reader asks again from where it is. */
const silence = 5_000;

/** @returns in order, none when there is nothing from that sequence on; @throws when nobody answers */
export function readBatch(
  connection: NatsConnection,
  stream: string,
  request: DirectGet,
  limit: ReadLimit,
): Promise<readonly LogMessage[]> {
  const batched = supportsBatches(connection);
  const body = batched ? { ...request, batch: limit.messages, max_bytes: limit.octets } : request;
  const inbox = createInbox();
  return new Promise((resolve, reject) => {
    const found: LogMessage[] = [];
    const end = (error?: Error): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      if (error) reject(error);
      else resolve(found);
    };
    const late = (): void => end(new Error(`${stream}: Direct Get was silent for ${silence} ms`));
    let timer = setTimeout(late, silence);
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error) return end(error);
        const status = message.headers?.code ?? 0;
        // 204: the batch is complete; 404: nothing there.
        if (status === 204 || status === 404) return end();
        if (status !== 0) return end(new Error(`${stream}: Direct Get: ${status} ${message.headers?.description ?? ''}`));
        found.push(messageOf(message));
        if (!batched) return end();
        clearTimeout(timer);
        timer = setTimeout(late, silence);
      },
    });
    connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(body), { reply: inbox });
  });
}

const messageOf = (message: Msg): LogMessage => ({
  sequence: Number(message.headers?.get('Nats-Sequence')),
  payload: message.data,
});

function supportsBatches(connection: NatsConnection): boolean {
  const [major = 0, minor = 0] = (connection.info?.version ?? '').split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 11);
}
