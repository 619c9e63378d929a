/** Large contents: chunks in CONTENT-<shard>, written while DATA still arrives and read back in order. */
import { createHash } from 'node:crypto';
import type { LargeContent, MailId } from '@postrider/mail';
import type { DiskRoom } from './disk-room.js';
import { isFull, type AppendResult, type Log } from './log.js';
import type { LargeContentPool } from './large-content-pool.js';
import { chunkInOctets, chunksUnderWay, streamsOf, subjects } from './names.js';
import { contentPassed } from './passing-buffers.js';
import { ContentMissing, type LargeContentWriter } from './spool.js';

interface LargeContentContext {
  readonly log: Log;
  readonly shard: string;
  readonly contentId: MailId;
}

/** A chunk whose fate is unknown is tried again; the same id is stored once. Four time-outs are shorter than DATA's. */
const tries = 4;

interface ChunkWriterOptions extends LargeContentContext {
  readonly disk: DiskRoom;
  /** Shared by all of a process. */
  readonly pool: LargeContentPool;
}

export class ChunkWriter implements LargeContentWriter {
  readonly shard: string;
  readonly #options: ChunkWriterOptions;
  readonly #hash = createHash('sha256');
  readonly #underWay = new Set<Promise<void>>();
  #failure: Error | undefined;
  #pending: Uint8Array[] = [];
  #pendingOctets = 0;
  #octets = 0;
  #chunks = 0;
  #closed = false;

  constructor(options: ChunkWriterOptions) {
    this.#options = options;
    this.shard = options.shard;
    options.pool.open++;
  }

  get gathersInOctets(): number {
    return this.#options.pool.chunkInOctets;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#hash.update(chunk);
    this.#octets += chunk.length;
    this.#pending.push(chunk);
    this.#pendingOctets += chunk.length;
    if (this.#pendingOctets >= this.gathersInOctets) await this.#sendWhole();
  }

  async finish(): Promise<LargeContent> {
    if (this.#pendingOctets > 0) await this.#send(Buffer.concat(this.#pending, this.#pendingOctets));
    this.#close();
    await Promise.all(this.#underWay);
    if (this.#failure) throw this.#failure;
    const sha256 = this.#hash.digest('hex');
    return { chunks: this.#chunks, octets: this.#octets, sha256, contentId: this.#options.contentId };
  }

  async abandon(): Promise<void> {
    this.#close();
    const { log, shard, contentId } = this.#options;
    await Promise.all(this.#underWay);
    await log.purge(streamsOf(shard).content, subjects.chunksOf(shard, contentId));
  }

  #close(): void {
    if (!this.#closed) this.#options.pool.open--;
    this.#closed = true;
    this.#pending = [];
  }

  /** Whole chunks only, until the end: what DATA gives comes in any size. */
  async #sendWhole(): Promise<void> {
    const size = this.gathersInOctets;
    let rest = Buffer.concat(this.#pending, this.#pendingOctets);
    for (; rest.length >= size && !this.#failure; rest = rest.subarray(size)) {
      await this.#send(rest.subarray(0, size));
      while (this.#underWay.size >= chunksUnderWay) await Promise.race(this.#underWay);
    }
    [this.#pending, this.#pendingOctets] = [rest.length > 0 ? [rest] : [], rest.length];
  }

  async #send(chunk: Buffer): Promise<void> {
    const { pool } = this.#options;
    const n = this.#chunks++;
    await pool.enter(chunk.length);
    const sent: Promise<void> = this.#publish(chunk, n).finally(() => {
      pool.leave(chunk.length);
      contentPassed(chunk.length);
      this.#underWay.delete(sent);
    });
    this.#underWay.add(sent);
  }

  async #publish(chunk: Buffer, n: number): Promise<void> {
    const { log, disk, shard, contentId } = this.#options;
    const result = await appendChunk({ log, disk }, subjects.chunk(shard, contentId, n), chunk);
    if (result.result === 'acknowledged') return;
    const full = disk.low || isFull(result);
    this.#failure ??= new ContentRefused(result.text, full);
  }
}

/** Chunks could not be stored. */
export class ContentRefused extends Error {
  constructor(
    text: string,
    /** For want of room: 452; otherwise 451. */
    readonly full: boolean,
  ) {
    super(text);
  }
}

async function appendChunk(
  { log, disk }: { readonly log: Log; readonly disk: DiskRoom },
  subject: string,
  chunk: Buffer,
): Promise<AppendResult> {
  let result = await log.append(subject, chunk, { messageId: subject });
  for (let n = 1; n < tries && result.result === 'unknown'; n++) {
    if (result.full === true) break;
    await disk.prove();
    if (disk.low) break;
    result = await log.append(subject, chunk, { messageId: subject });
  }
  return result;
}

/** @throws ContentMissing when a chunk is not there, or octets or hash differ; also when the log can't be read */
export async function* readLargeContent(
  log: Log,
  shard: string,
  large: LargeContent,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  const ahead: Promise<Uint8Array>[] = [];
  let octets = 0;
  let asked = 0;
  for (let n = 0; n < large.chunks; n++) {
    while (ahead.length < chunksUnderWay && asked < large.chunks) {
      const chunk = readChunk({ log, shard, contentId: large.contentId }, asked++);
      // It is heard when its turn comes; until then, or when the reader stops early, it must not end the process.
      chunk.catch(() => undefined);
      ahead.push(chunk);
    }
    const chunk = await ahead.shift();
    if (!chunk) break;
    hash.update(chunk);
    octets += chunk.length;
    yield chunk;
    contentPassed(chunk.length);
  }
  if (octets !== large.octets || hash.digest('hex') !== large.sha256)
    throw new ContentMissing(`content ${large.contentId} is not what was stored`);
}

async function readChunk({ log, shard, contentId }: LargeContentContext, n: number): Promise<Uint8Array> {
  const { content } = streamsOf(shard);
  const subject = subjects.chunk(shard, contentId, n);
  const [near] = await log.read(content, subject, 1, { messages: 1, octets: chunkInOctets * 2 });
  // A replica that lags may not have it yet: the leader knows.
  const message = near ?? (await log.last(content, subject));
  if (!message) throw new ContentMissing(`chunk ${n} of content ${contentId} is missing`);
  return message.payload;
}
