/** A session without a socket, for specs: what it said and what came of it. */
import type { Job } from '@postrider/protocol';
import type { ServerReply } from '@postrider/smtp';
import { expect } from 'vitest';
import { shown } from '../job.fixture.js';
import type { Offer } from './offer.js';
import { Transfer, type TransferEnd } from './transfer.js';

export const pipelining: Offer = {
  host: 'mx.dest.test',
  lmtp: false,
  pipelining: true,
  size: false,
  sizeLimit: undefined,
  eightBit: false,
  dsn: false,
  deliverBy: undefined,
  priority: false,
  requireTls: false,
  tls: 'none',
  binary: false,
  smtputf8: false,
  auth: false,
};
export const oneByOne: Offer = { ...pipelining, pipelining: false };
export const lmtp: Offer = { ...pipelining, lmtp: true };
export const lost = { status: '4.4.2', text: 'gone' };

export const replyOf = (text: string): ServerReply => ({
  code: Number(text.slice(0, 3)),
  lines: [text.slice(4)],
});

export function session(offer: Offer, jobs: readonly Job[]) {
  const queue = [...jobs];
  const said: string[] = [];
  const results = new Map<string, readonly string[]>();
  const told: { end?: TransferEnd; gaveUp?: string; streamed: string[] } = { streamed: [] };
  const transfer = new Transfer(offer, {
    write: (...parts) => said.push(parts.map(String).join('')),
    stream: ({ id }) => told.streamed.push(id),
    take: () => queue.shift(),
    done: ({ id }, outcomes) => {
      expect(results.has(id)).toBe(false);
      results.set(id, shown(outcomes));
    },
    giveUp: (text) => (told.gaveUp = text),
    now: () => 0,
    end: (end) => (told.end = end),
  });
  transfer.offered();
  return {
    transfer,
    queue,
    results,
    told,
    /** What has been said since the last time, a line each. */
    heard: () => said.splice(0).join('').split('\r\n').slice(0, -1),
    /** Writes since the last time. */
    writes: () => said.splice(0),
    reply: (...texts: readonly string[]) => texts.forEach((text) => transfer.replied(replyOf(text))),
  };
}
