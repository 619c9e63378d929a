/** Batched Direct Get (ADR-31): messages of a stream without a consumer; one at a time on servers before 2.11. */
import { ReplyInbox, suspectCut } from '@postrider/nats-server';
import { Events, type Msg, type NatsConnection } from 'nats';
import type { LogMessage, ReadLimit } from './log.js';

export interface DirectGet {
  readonly seq: number;
  readonly next_by_subj: string;
}

/** A batch that stalls for this long is given up; the reader asks again from where it is. */
const silence = 5_000;

/** Status codes that end an answer: the batch is complete; nothing is there. */
const batchComplete = 204;
const nothingThere = 404;

interface Pending {
  readonly stream: string;
  readonly found: LogMessage[];
  readonly resolve: (messages: readonly LogMessage[]) => void;
  readonly reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

export class DirectReads {
  readonly #connection: NatsConnection;
  readonly #pending: ReplyInbox<Pending>;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#pending = new ReplyInbox(connection, (reply, pending, message) =>
      this.#take(reply, pending, message),
    );
    void this.#followConnection();
  }

  /** @returns in order, none when there is nothing from that sequence on; @throws when nobody answers */
  read(stream: string, request: DirectGet, limit: ReadLimit): Promise<readonly LogMessage[]> {
    const body = this.#batched() ? { ...request, batch: limit.messages, max_bytes: limit.octets } : request;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#isSilent(reply, stream), silence);
      const reply = this.#pending.open({ stream, found: [], resolve, reject, timer });
      try {
        this.#connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(body), { reply });
      } catch (error) {
        this.#end(reply, error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #take(reply: string, pending: Pending, message: Msg): void {
    const { headers } = message;
    const status = headers?.code ?? 0;
    if (status === batchComplete || status === nothingThere) this.#end(reply);
    else if (status !== 0)
      this.#end(reply, new Error(`${pending.stream}: Direct Get: ${status} ${headers?.description ?? ''}`));
    else {
      pending.found.push({
        sequence: Number(headers?.get('Nats-Sequence')),
        subject: headers?.get('Nats-Subject') ?? '',
        payload: message.data,
        ...(headers?.get('Nats-Num-Pending') === '0' ? { last: true } : {}),
      });
      if (!this.#batched()) this.#end(reply);
      else pending.timer.refresh();
    }
  }

  #end(reply: string, error?: Error): void {
    const pending = this.#pending.close(reply);
    if (!pending) return;
    clearTimeout(pending.timer);
    if (error) pending.reject(error);
    else pending.resolve(pending.found);
  }

  #isSilent(reply: string, stream: string): void {
    suspectCut(this.#connection);
    this.#end(reply, new Error(`${stream}: Direct Get was silent for ${silence} ms`));
  }

  #batched(): boolean {
    const [major = 0, minor = 0] = (this.#connection.info?.version ?? '').split('.').map(Number);
    return major > 2 || (major === 2 && minor >= 11);
  }

  /** What was asked over a connection that broke is not answered any more. */
  async #followConnection(): Promise<void> {
    for await (const { type } of this.#connection.status())
      if (type === Events.Disconnect) this.#failAll('the connection to NATS broke');
    this.#failAll('closed');
  }

  #failAll(text: string): void {
    for (const reply of this.#pending.awaited) this.#end(reply, new Error(`Direct Get: ${text}`));
  }
}
