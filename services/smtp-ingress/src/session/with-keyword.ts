/** How a mail came, in the registered words of Received and of the envelope (RFC 3848, RFC 6531 §4.3). */
import type { ClientFacts } from '@postrider/mail';
import type { SessionFacts } from '../verbs/verb.js';
import type { Client, Transaction } from './session-state.js';

export interface Coming {
  readonly protocol: Client['protocol'];
  readonly encrypted: boolean;
  readonly authenticated: boolean;
  /** SMTPUTF8 was asked for. */
  readonly utf8: boolean;
}

export const protocolOf = (
  { protocol }: Client,
  { tls, identity }: SessionFacts,
  { smtputf8 }: Pick<Transaction, 'smtputf8'>,
): ClientFacts['protocol'] =>
  withKeyword({
    protocol,
    encrypted: tls !== undefined,
    authenticated: identity !== undefined,
    utf8: smtputf8 !== undefined,
  });

/** HELO has no word of its own for TLS (RFC 3848 §1). */
export function withKeyword({ protocol, encrypted, authenticated, utf8 }: Coming): ClientFacts['protocol'] {
  if (protocol === 'SMTP') return 'SMTP';
  const base = utf8 ? (protocol === 'LMTP' ? 'UTF8LMTP' : 'UTF8SMTP') : protocol;
  return `${base}${encrypted ? 'S' : ''}${authenticated ? 'A' : ''}`;
}
