/**
 * Publishes with their acknowledgements. What was under way when the connection broke is unknown at once, instead of
 * after a time-out, so that it is tried again as soon as the server is back.
 */
import { createInbox, headers, type Msg, type NatsConnection } from 'nats';
import type { AppendOptions, AppendResult } from './log.js';

/** JetStream's error codes (server/errors.json). */
const staleCodes = new Set([10071, 10164]);
const fullCodes = new Set([10023, 10047, 10054, 10077, 10167]);

interface PubAck {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

interface Pending {
  readonly timer: NodeJS.Timeout;
  readonly resolve: (result: AppendResult) => void;
}

export class Acknowledgements {
  connected = true;
  readonly #connection: NatsConnection;
  readonly #unknownAfter: number;
  readonly #inbox = createInbox();
  readonly #pending = new Map<string, Pending>();
  #next = 0;

  /** @param unknownAfter milliseconds */
  constructor(connection: NatsConnection, unknownAfter: number) {
    this.#connection = connection;
    this.#unknownAfter = unknownAfter;
    connection.subscribe(`${this.#inbox}.*`, { callback: (error, message) => error ?? this.#answered(message) });
    void this.#followConnection();
  }

  publish(subject: string, payload: Uint8Array, options: AppendOptions): Promise<AppendResult> {
    if (!this.connected) return Promise.resolve(away('NATS is away'));
    const token = String(this.#next++);
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.#settle(token, { result: 'unknown', text: `no acknowledgement within ${this.#unknownAfter} ms` }),
        this.#unknownAfter,
      );
      this.#pending.set(token, { timer, resolve });
      try {
        const reply = `${this.#inbox}.${token}`;
        this.#connection.publish(subject, payload, { reply, headers: headersOf(options) });
      } catch (error) {
        this.#settle(token, away(error instanceof Error ? error.message : String(error)));
      }
    });
  }

  close(): void {
    for (const token of [...this.#pending.keys()]) this.#settle(token, { result: 'unknown', text: 'closed' });
  }

  #answered(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    // 503: no stream listens on the subject, so nothing is stored - now. Its server may be just starting.
    if (message.headers?.code === 503) this.#settle(token, away('no stream takes writes'));
    else this.#settle(token, resultOf(message.json<PubAck>()));
  }

  #settle(token: string, result: AppendResult): void {
    const pending = this.#pending.get(token);
    if (!pending) return;
    this.#pending.delete(token);
    clearTimeout(pending.timer);
    pending.resolve(result);
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'reconnect') this.connected = true;
      if (type !== 'disconnect') continue;
      this.connected = false;
      for (const token of [...this.#pending.keys()])
        this.#settle(token, { result: 'unknown', text: 'the connection to NATS broke' });
    }
    this.connected = false;
  }
}

const away = (text: string): AppendResult => ({ result: 'refused', reason: 'away', text });

function headersOf({ messageId, expectedLast }: AppendOptions) {
  const all = headers();
  if (messageId !== undefined) all.set('Nats-Msg-Id', messageId);
  if (expectedLast !== undefined) all.set('Nats-Expected-Last-Subject-Sequence', String(expectedLast));
  return all;
}

function resultOf({ seq, duplicate, error }: PubAck): AppendResult {
  if (error === undefined && seq !== undefined)
    return { result: 'acknowledged', sequence: seq, duplicate: duplicate === true };
  const code = error?.err_code ?? 0;
  const text = `${error?.description ?? 'no sequence in the acknowledgement'} (${code})`;
  if (staleCodes.has(code)) return { result: 'refused', reason: 'stale', text };
  if (fullCodes.has(code)) return { result: 'refused', reason: 'full', text };
  // Leaderless, shutting down, overloaded: not stored.
  return { result: 'refused', reason: error?.code === 503 ? 'away' : 'other', text };
}
