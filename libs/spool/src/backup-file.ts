/**
 * A stream in a file: its messages with subjects and sequences, a CRC each.
 *
 *   "PRBK" | version 1 | 0 0 0 | entry entry ...
 *   entry = sequence (8) | octets of subject (2) | octets of payload (4) | CRC-32 of what stands here so far and of both (4)
 *           | subject | payload
 *
 * All integers big endian. That no entry is missing at the end is for the manifest to tell: it has their number.
 */
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { LogMessage } from './log.js';

const magic = 0x5052424b;
const version = 1;
const headLength = 8;
const entryLength = 18;
const crcAt = 14;
/** More than any server takes in one message: what claims more is damage. */
const payloadAtMost = 64 * 1024 * 1024;

export class DamagedBackup extends Error {}

export class BackupFileWriter {
  #octets = 0;
  #messages = 0;
  readonly #file: FileHandle;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @throws when the file is there already */
  static async create(path: string): Promise<BackupFileWriter> {
    const writer = new BackupFileWriter(await open(path, 'wx', 0o600));
    const head = Buffer.alloc(headLength);
    head.writeUInt32BE(magic, 0);
    head.writeUInt8(version, 4);
    await writer.#file.writeFile(head);
    return writer;
  }

  /** Of payloads. */
  get octets(): number {
    return this.#octets;
  }

  get messages(): number {
    return this.#messages;
  }

  async write(messages: readonly LogMessage[]): Promise<void> {
    await this.#file.writeFile(Buffer.concat(messages.flatMap(encodeEntry)));
    this.#messages += messages.length;
    for (const { payload } of messages) this.#octets += payload.length;
  }

  /** On the disk when it resolves. */
  async close(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
  }
}

export function encodeEntry({ sequence, subject, payload }: LogMessage): readonly Uint8Array[] {
  const name = Buffer.from(subject);
  const head = Buffer.alloc(entryLength);
  head.writeBigUInt64BE(BigInt(sequence), 0);
  head.writeUInt16BE(name.length, 8);
  head.writeUInt32BE(payload.length, 10);
  head.writeUInt32BE(checksum(head, name, payload), crcAt);
  return [head, name, payload];
}

/** @throws DamagedBackup */
export async function* readBackupFile(path: string): AsyncGenerator<LogMessage> {
  yield* decodeBackup(createReadStream(path, { highWaterMark: 1024 * 1024 }));
}

/** @param pieces the file's octets, cut anywhere; @throws DamagedBackup */
export async function* decodeBackup(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<LogMessage> {
  let held: Buffer = Buffer.alloc(0);
  let started = false;
  for await (const piece of pieces) {
    held = held.length === 0 ? Buffer.from(piece) : Buffer.concat([held, piece]);
    if (!started) {
      if (held.length < headLength) continue;
      checkHead(held);
      held = held.subarray(headLength);
      started = true;
    }
    for (let entry = decodeEntry(held); entry; entry = decodeEntry(held)) {
      held = held.subarray(entry.length);
      yield entry.message;
    }
  }
  if (!started || held.length > 0) throw new DamagedBackup('it is cut');
}

function checkHead(head: Buffer): void {
  if (head.readUInt32BE(0) !== magic) throw new DamagedBackup('no backup of ours');
  const found = head.readUInt8(4);
  if (found !== version)
    throw new DamagedBackup(`format version ${found}; this version knows ${version} alone`);
}

/** @returns undefined when there is not all of it yet */
function decodeEntry(octets: Buffer): { readonly message: LogMessage; readonly length: number } | undefined {
  if (octets.length < entryLength) return undefined;
  const nameLength = octets.readUInt16BE(8);
  const payloadLength = octets.readUInt32BE(10);
  if (payloadLength > payloadAtMost) throw new DamagedBackup(`a message of ${payloadLength} octets`);
  const length = entryLength + nameLength + payloadLength;
  if (octets.length < length) return undefined;
  const name = octets.subarray(entryLength, entryLength + nameLength);
  const payload = octets.subarray(entryLength + nameLength, length);
  if (checksum(octets, name, payload) !== octets.readUInt32BE(crcAt))
    throw new DamagedBackup('a message is not as it was written');
  const sequence = Number(octets.readBigUInt64BE(0));
  return { message: { sequence, subject: name.toString(), payload }, length };
}

/** zlib takes an empty buffer for none, and starts afresh. */
function checksum(head: Buffer, name: Uint8Array, payload: Uint8Array): number {
  let crc = crc32(head.subarray(0, crcAt));
  for (const part of [name, payload]) if (part.length > 0) crc = crc32(part, crc);
  return crc;
}
