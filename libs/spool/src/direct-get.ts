/** Batched Direct Get (ADR-31): messages of a stream without a consumer; one at a time on servers before 2.11. */
import { inboxOf } from '@postrider/nats-server';
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

/** All reads of a connection share one subscription: each new one would empty the server's cache of who gets what. */
export class DirectReads {
  readonly #connection: NatsConnection;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  #next = 0;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#inbox = inboxOf(connection);
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
    void this.#followConnection();
  }

  /** @returns in order, none when there is nothing from that sequence on; @throws when nobody answers */
  read(stream: string, request: DirectGet, limit: ReadLimit): Promise<readonly LogMessage[]> {
    const body = this.#batched() ? { ...request, batch: limit.messages, max_bytes: limit.octets } : request;
    const token = String(this.#next++);
    return new Promise((resolve, reject) => {
      this.#pending.set(token, { stream, found: [], resolve, reject, timer: this.#timer(token) });
      try {
        const reply = `${this.#inbox}.${token}`;
        this.#connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(body), { reply });
      } catch (error) {
        this.#end(token, error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #take(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const pending = this.#pending.get(token);
    if (!pending) return;
    const { headers } = message;
    const status = headers?.code ?? 0;
    if (status === batchComplete || status === nothingThere) this.#end(token);
    else if (status !== 0)
      this.#end(token, new Error(`${pending.stream}: Direct Get: ${status} ${headers?.description ?? ''}`));
    else {
      pending.found.push({
        sequence: Number(headers?.get('Nats-Sequence')),
        subject: headers?.get('Nats-Subject') ?? '',
        payload: message.data,
        ...(headers?.get('Nats-Num-Pending') === '0' ? { last: true } : {}),
      });
      if (!this.#batched()) this.#end(token);
      else pending.timer.refresh();
    }
  }

  #end(token: string, error?: Error): void {
    const pending = this.#pending.get(token);
    if (!pending) return;
    this.#pending.delete(token);
    clearTimeout(pending.timer);
    if (error) pending.reject(error);
    else pending.resolve(pending.found);
  }

  #timer(token: string): NodeJS.Timeout {
    return setTimeout(() => {
      const stream = this.#pending.get(token)?.stream ?? '';
      this.#end(token, new Error(`${stream}: Direct Get was silent for ${silence} ms`));
    }, silence);
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
    for (const [token, { stream }] of [...this.#pending]) this.#end(token, new Error(`${stream}: ${text}`));
  }
}
