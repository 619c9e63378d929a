/**
 * The frame of a segment, and of a bundle of deferred contents: many items, each a head and a raw body with a CRC.
 *
 *   "PRSG" | version 1 | 0 0 0 | writer id (16) | number (8) | count (4)
 *   | count × { octets of head, octets of body, CRC-32 of both (4 each) } | head body head body ...
 *
 * All integers big endian. Bodies are never copied on reading: they are views of the received message.
 */
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import type { Envelope, MailObject } from '@postrider/mail';
import type { MailToCommit } from './spool.js';

const magic = 0x50525347;
const version = 1;
const fixedLength = 36;
const entryLength = 12;

export const writerIdLength = 16;

export interface Frame {
  readonly writer: Buffer;
  /** Counts up in each writer: a second copy of a segment is known by it. */
  readonly number: number;
  readonly items: readonly WrittenItem[];
}

/** As read: views of the message. */
export interface FrameItem {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/** To be written: a body may come in pieces, which are put together in the frame and nowhere before. */
export interface WrittenItem {
  readonly head: Uint8Array;
  readonly body: Uint8Array | readonly Uint8Array[];
}

/** Not a frame of ours, or damaged. The record is kept and passed; nothing is guessed. */
export class DamagedFrame extends Error {}
/** Written by a newer version: this process must not own what it can't read. */
export class NewerFormat extends Error {}

/** @param space written to if it is large enough: fresh memory for each segment costs more than all the rest here */
export function encodeFrame({ writer, number, items }: Frame, space?: Buffer): Buffer {
  const indexLength = items.length * entryLength;
  const length = items.reduce((sum, item) => sum + itemLength(item), fixedLength);
  const frame = space && space.length >= length ? space.subarray(0, length) : Buffer.allocUnsafe(length);
  frame.writeUInt32BE(magic, 0);
  frame.writeUInt32BE(version << 24, 4);
  frame.set(writer, 8);
  frame.writeBigUInt64BE(BigInt(number), 24);
  frame.writeUInt32BE(items.length, 32);
  let entry = fixedLength;
  let at = fixedLength + indexLength;
  for (const { head, body } of items) {
    const from = at;
    frame.set(head, at);
    at += head.length;
    for (const piece of piecesOf(body)) {
      frame.set(piece, at);
      at += piece.length;
    }
    frame.writeUInt32BE(head.length, entry);
    frame.writeUInt32BE(at - from - head.length, entry + 4);
    frame.writeUInt32BE(crc32(frame.subarray(from, at)), entry + 8);
    entry += entryLength;
  }
  return frame;
}

/** A segment or a bundle of contents, and not a bundle of records. */
export const isFrame = (octets: Uint8Array): boolean =>
  octets.length >= fixedLength && Buffer.from(octets.buffer, octets.byteOffset, 4).readUInt32BE() === magic;

/** What was written, with undefined for an item whose octets are not the ones that were written. */
export interface DecodedFrame {
  readonly writer: Buffer;
  readonly number: number;
  readonly items: readonly (FrameItem | undefined)[];
}

/** @throws DamagedFrame when not even the items can be told apart, NewerFormat */
export function decodeFrame(octets: Uint8Array): DecodedFrame {
  const frame = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  if (frame.length < fixedLength || frame.readUInt32BE(0) !== magic)
    throw new DamagedFrame('no frame of ours');
  const found = frame.readUInt8(4);
  if (found > version) throw new NewerFormat(`frame version ${found}; this process knows ${version}`);
  const count = frame.readUInt32BE(32);
  let at = fixedLength + count * entryLength;
  if (at > frame.length) throw new DamagedFrame(`the index of ${count} items is cut`);
  const items: (FrameItem | undefined)[] = [];
  for (let entry = fixedLength; items.length < count; entry += entryLength) {
    const headEnd = at + frame.readUInt32BE(entry);
    const bodyEnd = headEnd + frame.readUInt32BE(entry + 4);
    if (bodyEnd > frame.length) throw new DamagedFrame(`item ${items.length} of ${count} is cut`);
    const item = { head: frame.subarray(at, headEnd), body: frame.subarray(headEnd, bodyEnd) };
    const isWhole = crc32(frame.subarray(at, bodyEnd)) === frame.readUInt32BE(entry + 8);
    items.push(isWhole ? item : undefined);
    at = bodyEnd;
  }
  return { writer: frame.subarray(8, 24), number: Number(frame.readBigUInt64BE(24)), items };
}

// Plain maps, so that another version reads fields it does not know.
const packr = new Packr({ useRecords: false });

const noContent: readonly Uint8Array[] = [];

const encodeEnvelope = (envelope: Envelope): Uint8Array => packr.pack(envelope);

export function mailItem(mail: MailToCommit): WrittenItem {
  return { head: encodeEnvelope(mail.envelope), body: mail.content ?? noContent };
}

/** @throws DamagedFrame */
export function decodeMail({ head, body }: FrameItem): MailObject {
  const envelope = packr.unpack(head) as Envelope | null | undefined;
  if (typeof envelope?.id !== 'string' || !Array.isArray(envelope.recipients))
    throw new DamagedFrame('no envelope');
  return envelope.large === undefined ? { envelope, content: body } : { envelope };
}

/** Octets that an item takes in a frame. */
export const itemLength = ({ head, body }: WrittenItem): number =>
  entryLength + head.length + bodyLength(body);

export const bodyLength = (body: WrittenItem['body']): number =>
  piecesOf(body).reduce((sum, piece) => sum + piece.length, 0);

const piecesOf = (body: WrittenItem['body']): readonly Uint8Array[] =>
  body instanceof Uint8Array ? [body] : body;
