/**
 * What a client waits for, how long, and the words for it in diagnostics. Times are RFC 5321 §4.5.3.2, whole waits and
 * not silences, so that a server that drips octets gains nothing.
 */
import { times } from '@postrider/protocol';

export type Stage =
  | 'connect'
  | 'greeting'
  | 'ehlo'
  | 'helo'
  | 'starttls'
  | 'handshake'
  | 'idle'
  | 'rset'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'block'
  | 'content'
  | 'quit';

export interface StageFacts {
  /** Milliseconds until it is given up. */
  readonly limit: number;
  readonly doing: string;
}

const second = 1_000;
const minute = 60_000;

export const stages: Readonly<Record<Stage, StageFacts>> = {
  // No limit in the RFC; after 30 s of SYNs nobody is there, and other addresses wait.
  connect: { limit: 30 * second, doing: 'connecting' },
  // RFC 5321 §4.5.3.2.1
  greeting: { limit: 5 * minute, doing: 'waiting for the greeting' },
  // EHLO and RSET have no limit of their own: as MAIL.
  ehlo: { limit: 5 * minute, doing: 'waiting for the reply to EHLO' },
  helo: { limit: 5 * minute, doing: 'waiting for the reply to HELO' },
  starttls: { limit: 2 * minute, doing: 'waiting for the reply to STARTTLS' },
  handshake: { limit: 30 * second, doing: 'agreeing on TLS' },
  idle: { limit: times.channelIdle, doing: 'idle' },
  rset: { limit: 5 * minute, doing: 'waiting for the reply to RSET' },
  // RFC 5321 §4.5.3.2.2
  mail: { limit: 5 * minute, doing: 'waiting for the reply to MAIL' },
  // RFC 5321 §4.5.3.2.3
  rcpt: { limit: 5 * minute, doing: 'waiting for the reply to RCPT' },
  // RFC 5321 §4.5.3.2.4
  data: { limit: 2 * minute, doing: 'waiting for the reply to DATA' },
  // RFC 5321 §4.5.3.2.5: for each block that the server takes.
  block: { limit: 3 * minute, doing: 'sending the content' },
  // RFC 5321 §4.5.3.2.6
  content: { limit: 10 * minute, doing: 'waiting for the reply to the content' },
  // Everything is known by then; a polite server answers at once.
  quit: { limit: 5 * second, doing: 'waiting for the reply to QUIT' },
};
