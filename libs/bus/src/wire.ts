/**
 * Requests and replies as octets: msgpack arrays, since headers cost more than a longer body.
 * Request [instance, trace, payload]; reply [0, answer] or [kind of error, text].
 * Octets inside come out as Buffers that are views of the received message, without a copy.
 */
import type { Origin } from '@postrider/actor';
import { Packr } from 'msgpackr';
import { MailboxFull, NobodyAnswers, RemoteFault } from './errors.js';

// Plain maps: msgpackr's records need a table that both ends share. A property that is undefined is not there.
const options = { useRecords: false, skipValues: [undefined] };
const packr = new Packr(options);

const ok = 0;
const mailboxFull = 1;
const refused = 2;
const faulted = 3;

/** What another process is told of a fault, characters. */
const faultTextLimit = 500;

export const encodeRequest = (payload: unknown, from: Origin): Uint8Array =>
  packr.pack([from.instance, from.trace ?? null, payload]);

/** @throws when it is no request of ours */
export function decodeRequest(octets: Uint8Array): { readonly payload: unknown; readonly from: Origin } {
  const value: unknown = packr.unpack(asBuffer(octets));
  if (!Array.isArray(value) || typeof value[0] !== 'string')
    throw new Error('no request of this version: it is [instance, trace, payload] in msgpack');
  const [instance, trace, payload] = value as [string, unknown, unknown];
  return { payload, from: typeof trace === 'string' ? { instance, trace } : { instance } };
}

/** An answer that can't be sent is a fault for its asker. */
export function encodeAnswer(answer: unknown, limitInOctets: number): Uint8Array {
  try {
    const octets = packr.pack([ok, answer]);
    if (octets.length <= limitInOctets) return octets;
    return encodeFault(new RemoteFault(`the answer has ${octets.length} octets, over ${limitInOctets}`));
  } catch (fault) {
    return encodeFault(new RemoteFault(`the answer can't be encoded: ${String(fault)}`));
  }
}

export function encodeFault(fault: Error): Uint8Array {
  const kind =
    fault instanceof MailboxFull ? mailboxFull : fault instanceof NobodyAnswers ? refused : faulted;
  return packr.pack([kind, fault.message.slice(0, faultTextLimit)]);
}

/** @throws what the other side said went wrong */
export function decodeReply(octets: Uint8Array): unknown {
  const value: unknown = packr.unpack(asBuffer(octets));
  if (!Array.isArray(value)) throw new RemoteFault('the answer is not of this version');
  const [kind, answer] = value as [unknown, unknown];
  if (kind === ok) return answer;
  const text = String(answer);
  if (kind === mailboxFull) throw new MailboxFull(text);
  throw kind === refused ? new NobodyAnswers(text) : new RemoteFault(text);
}

/** msgpackr gives slices of what it reads from; those of a Buffer are Buffers. */
const asBuffer = (octets: Uint8Array): Buffer =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
