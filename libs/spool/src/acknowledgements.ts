/**
 * Publishes with their acknowledgements. What was under way when the connection broke is unknown at once, instead of
 * after a time-out, so that it is tried again as soon as the server is back.
 */
import { ReplyInbox, suspectCut } from '@postrider/nats-server';
import { times } from '@postrider/protocol';
import { Events, headers, type Msg, type MsgHdrs, type NatsConnection } from 'nats';
import type { AppendOptions, AppendResult } from './log.js';

/** JetStream's error codes (nats-server: server/errors.json): wrong last sequence of the subject, or one in process. */
const staleCodes = new Set([10071, 10164]);
/** The account's limits, insufficient resources, storage or memory exceeded. */
const fullCodes = new Set([10002, 10023, 10028, 10047]);
/** An error of the store, which also is how a stream says that it is full. */
const storeFailed = 10077;
/** ENOSPC and EDQUOT in the words of Go's syscall package. */
const diskFull = /no space left on device|disk quota exceeded/;
const noResponders = 503;

/** After which the server is looked at: it may be cut off. */
const silence = times.shardSetAside;

interface PubAck {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code?: number; readonly err_code?: number; readonly description?: string };
}

interface Pending {
  timer: NodeJS.Timeout;
  readonly resolve: (result: AppendResult) => void;
}

export class Acknowledgements {
  connected = true;
  readonly #connection: NatsConnection;
  readonly #unknownAfter: number;
  readonly #pending: ReplyInbox<Pending>;

  /** @param unknownAfter milliseconds */
  constructor(connection: NatsConnection, unknownAfter: number) {
    this.#connection = connection;
    this.#unknownAfter = unknownAfter;
    this.#pending = new ReplyInbox(connection, (reply, _, message) => this.#answered(reply, message));
    void this.#followConnection();
  }

  publish(subject: string, payload: Uint8Array, options: AppendOptions): Promise<AppendResult> {
    if (!this.connected) return Promise.resolve(away('NATS is away'));
    return new Promise((resolve) => {
      const pending = { timer: setTimeout(() => this.#isSilent(reply, pending), silence), resolve };
      const reply = this.#pending.open(pending);
      try {
        this.#connection.publish(subject, payload, { reply, headers: headersOf(options) });
      } catch (error) {
        this.#settle(reply, away(error instanceof Error ? error.message : String(error)));
      }
    });
  }

  close(): void {
    this.connected = false;
    this.#allUnknown('closed');
  }

  #isSilent(reply: string, pending: Pending): void {
    suspectCut(this.#connection);
    const late = (): void =>
      this.#settle(reply, unknown(`no acknowledgement within ${this.#unknownAfter} ms`));
    pending.timer = setTimeout(late, this.#unknownAfter - silence);
  }

  #answered(reply: string, message: Msg): void {
    // No stream listens on the subject, so nothing is stored - now. Its server may be just starting.
    if (message.headers?.code === noResponders) this.#settle(reply, away('no stream takes writes'));
    else this.#settle(reply, resultOf(message));
  }

  #settle(reply: string, result: AppendResult): void {
    const pending = this.#pending.close(reply);
    if (!pending) return;
    clearTimeout(pending.timer);
    pending.resolve(result);
  }

  #allUnknown(text: string): void {
    for (const reply of this.#pending.awaited) this.#settle(reply, unknown(text));
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === Events.Reconnect) this.connected = true;
      if (type !== Events.Disconnect) continue;
      this.connected = false;
      this.#allUnknown('the connection to NATS broke');
    }
    this.connected = false;
  }
}

const away = (text: string): AppendResult => ({ result: 'refused', reason: 'away', text });
const unknown = (text: string) => ({ result: 'unknown', text }) as const;

function headersOf({ messageId, expectedLast }: AppendOptions): MsgHdrs {
  const all = headers();
  if (messageId !== undefined) all.set('Nats-Msg-Id', messageId);
  if (expectedLast !== undefined) all.set('Nats-Expected-Last-Subject-Sequence', String(expectedLast));
  return all;
}

function resultOf(message: Msg): AppendResult {
  const { seq, duplicate, error } = message.json<PubAck>();
  if (error === undefined && seq !== undefined)
    return { result: 'acknowledged', sequence: seq, duplicate: duplicate === true };
  const code = error?.err_code ?? 0;
  const description = error?.description ?? 'no sequence in the acknowledgement';
  const text = `${description} (${code})`;
  if (staleCodes.has(code)) return { result: 'refused', reason: 'stale', text };
  if (fullCodes.has(code)) return { result: 'refused', reason: 'full', text };
  // After another error of the store nobody can say what has reached the disk.
  if (code === storeFailed)
    return description.startsWith('maximum')
      ? { result: 'refused', reason: 'full', text }
      : { ...unknown(text), ...(diskFull.test(description) ? { full: true } : {}) };
  // Leaderless, shutting down, overloaded: not stored.
  return { result: 'refused', reason: error?.code === 503 || error?.code === 429 ? 'away' : 'other', text };
}
