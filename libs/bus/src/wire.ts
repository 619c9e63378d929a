/**
 * Requests and replies as octets: msgpack arrays, since headers cost more than a longer body.
 * Request [instance, trace, payload]; reply [0, answer] or [kind of error, text].
 */
import type { Origin } from '@postrider/actor';
import { Packr } from 'msgpackr';
import { MailboxFull, NobodyAnswers, RemoteFault } from './errors.js';

// Plain maps: records would need a shared table, and decoded octets stay views of the received message.
const packr = new Packr({ useRecords: false });

const ok = 0;
const mailboxFull = 1;
const refused = 2;
const faulted = 3;

export const encodeRequest = (payload: unknown, from: Origin): Uint8Array =>
  packr.pack([from.instance, from.trace ?? null, payload]);

/** @throws when it is no request of ours */
export function decodeRequest(octets: Uint8Array): { readonly payload: unknown; readonly from: Origin } {
  const value: unknown = packr.unpack(octets);
  if (!Array.isArray(value) || typeof value[0] !== 'string') throw new Error('not a request of this version');
  const [instance, trace, payload] = value as [string, unknown, unknown];
  return { payload, from: typeof trace === 'string' ? { instance, trace } : { instance } };
}

export const encodeAnswer = (answer: unknown): Uint8Array => packr.pack([ok, answer]);

export function encodeFault(fault: Error): Uint8Array {
  const kind = fault instanceof MailboxFull ? mailboxFull : fault instanceof NobodyAnswers ? refused : faulted;
  return packr.pack([kind, fault.message.slice(0, 500)]);
}

/** @throws what the other side said went wrong */
export function decodeReply(octets: Uint8Array): unknown {
  const value: unknown = packr.unpack(octets);
  if (!Array.isArray(value)) throw new RemoteFault('the answer is not of this version');
  const [kind, answer] = value as [number, unknown];
  if (kind === ok) return answer;
  const text = String(answer);
  throw kind === mailboxFull ? new MailboxFull(text) : kind === refused ? new NobodyAnswers(text) : new RemoteFault(text);
}
