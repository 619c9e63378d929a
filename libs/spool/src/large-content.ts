/** Large contents: chunks in CONTENT-<shard>, written while DATA still arrives and read back in order. */
import { createHash } from 'node:crypto';
import type { LargeContent, MailId } from '@postrider/mail';
import type { AppendResult, Log } from './log.js';
import { chunkInOctets, streamsOf, subjects, unacknowledgedChunks } from './names.js';
import { ContentMissing, type LargeContentWriter } from './spool.js';

interface LargeContentContext {
  readonly log: Log;
  readonly shard: string;
  readonly contentId: MailId;
}

/** A chunk whose fate is unknown is tried again; the same id is stored once. */
const tries = 4;

export function largeContentWriter({ log, shard, contentId }: LargeContentContext): LargeContentWriter {
  const hash = createHash('sha256');
  const underWay = new Set<Promise<void>>();
  let failure: Error | undefined;
  let pending: Uint8Array[] = [];
  let pendingOctets = 0;
  let octets = 0;
  let chunks = 0;

  const publish = async (chunk: Buffer, n: number): Promise<void> => {
    const result = await appendChunk(log, subjects.chunk(shard, contentId, n), chunk);
    if (result.result !== 'acknowledged')
      failure ??= new ContentRefused(result.text, result.result === 'refused' && result.reason === 'full');
  };
  const send = (): void => {
    const chunk = Buffer.concat(pending, pendingOctets);
    [pending, pendingOctets] = [[], 0];
    const sent: Promise<void> = publish(chunk, chunks++).finally(() => underWay.delete(sent));
    underWay.add(sent);
  };
  return {
    shard,
    async write(chunk) {
      hash.update(chunk);
      octets += chunk.length;
      pending.push(chunk);
      pendingOctets += chunk.length;
      if (pendingOctets >= chunkInOctets) send();
      while (underWay.size >= unacknowledgedChunks) await Promise.race(underWay);
      if (failure) throw failure;
    },
    async finish() {
      if (pendingOctets > 0) send();
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

async function appendChunk(log: Log, subject: string, chunk: Buffer): Promise<AppendResult> {
  let result = await log.append(subject, chunk, { messageId: subject });
  for (let n = 1; n < tries && result.result === 'unknown'; n++)
    result = await log.append(subject, chunk, { messageId: subject });
  return result;
}

/** @throws ContentMissing when a chunk is not there, or octets or hash differ; also when the log can't be read */
export async function* readLargeContent(log: Log, shard: string, large: LargeContent): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let octets = 0;
  for (let n = 0; n < large.chunks; n++) {
    const chunk = await readChunk(log, shard, large.contentId, n);
    hash.update(chunk);
    octets += chunk.length;
    yield chunk;
  }
  if (octets !== large.octets || hash.digest('hex') !== large.sha256)
    throw new ContentMissing(`content ${large.contentId} is not what was stored`);
}

async function readChunk(log: Log, shard: string, contentId: MailId, n: number): Promise<Uint8Array> {
  const { content } = streamsOf(shard);
  const subject = subjects.chunk(shard, contentId, n);
  const [near] = await log.read(content, subject, 1, { messages: 1, octets: chunkInOctets * 2 });
  // A replica that lags may not have it yet: the leader knows.
  const message = near ?? (await log.last(content, subject));
  if (!message) throw new ContentMissing(`chunk ${n} of content ${contentId} is missing`);
  return message.payload;
}
