/** Large contents: chunks in CONTENT-<shard>, written while DATA still arrives and read back in order. */
import { createHash } from 'node:crypto';
import type { LargeContent, MailId } from '@postrider/mail';
import type { DiskRoom } from './disk-room.js';
import { isFull, type AppendResult, type Log } from './log.js';
import { chunkInOctets, chunksUnderWay, streamsOf, subjects } from './names.js';
import { ContentMissing, type LargeContentWriter } from './spool.js';

interface LargeContentContext {
  readonly log: Log;
  readonly shard: string;
  readonly contentId: MailId;
}

/** A chunk whose fate is unknown is tried again; the same id is stored once. Four time-outs are shorter than DATA's. */
const tries = 4;

export function largeContentWriter({
  log,
  disk,
  shard,
  contentId,
}: LargeContentContext & { readonly disk: DiskRoom }): LargeContentWriter {
  const hash = createHash('sha256');
  const underWay = new Set<Promise<void>>();
  let failure: Error | undefined;
  let pending: Uint8Array[] = [];
  let pendingOctets = 0;
  let octets = 0;
  let chunks = 0;

  const publish = async (chunk: Buffer, n: number): Promise<void> => {
    const result = await appendChunk({ log, disk }, subjects.chunk(shard, contentId, n), chunk);
    if (result.result === 'acknowledged') return;
    const full = disk.low || isFull(result);
    failure ??= new ContentRefused(result.text, full);
  };
  const send = (chunk: Buffer): void => {
    const sent: Promise<void> = publish(chunk, chunks++).finally(() => underWay.delete(sent));
    underWay.add(sent);
  };
  /** Whole chunks only, until the end: what DATA gives comes in any size. */
  const sendWhole = async (): Promise<void> => {
    let rest = Buffer.concat(pending, pendingOctets);
    for (; rest.length >= chunkInOctets && !failure; rest = rest.subarray(chunkInOctets)) {
      send(rest.subarray(0, chunkInOctets));
      while (underWay.size >= chunksUnderWay) await Promise.race(underWay);
    }
    [pending, pendingOctets] = [rest.length > 0 ? [rest] : [], rest.length];
  };
  return {
    shard,
    async write(chunk) {
      if (failure) throw failure;
      hash.update(chunk);
      octets += chunk.length;
      pending.push(chunk);
      pendingOctets += chunk.length;
      if (pendingOctets >= chunkInOctets) await sendWhole();
    },
    async finish() {
      if (pendingOctets > 0) send(Buffer.concat(pending, pendingOctets));
      await Promise.all(underWay);
      if (failure) throw failure;
      return { chunks, octets, sha256: hash.digest('hex'), contentId };
    },
    async abandon() {
      await Promise.all(underWay);
      await log.purge(streamsOf(shard).content, subjects.chunksOf(shard, contentId));
    },
  };
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
