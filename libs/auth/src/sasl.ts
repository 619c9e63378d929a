/** SASL (RFC 4422) on the server's side: what all mechanisms have in common. */
import type { BearerTokens } from './bearer-tokens.js';
import type { Identity, Users } from './users.js';

export type SaslStep =
  /** The client answers with a response. */
  | { readonly result: 'challenge'; readonly challenge: Buffer }
  | { readonly result: 'authenticated'; readonly identity: Identity }
  /** `credentials`: wrong, or nobody's. `malformed`: no response that the mechanism knows. */
  | { readonly result: 'failed'; readonly why: 'credentials' | 'malformed' };

/** One exchange. */
export interface SaslExchange {
  /** The name that was tried, once it is known. */
  readonly name?: string;
  /** @param response undefined before the first, when there was no initial response */
  respond(response: Buffer | undefined): SaslStep | Promise<SaslStep>;
}

export type BindingType = 'tls-exporter' | 'tls-unique';

export interface SaslContext {
  readonly users: Users;
  /** Absent where no access tokens are taken. */
  readonly tokens?: BearerTokens | undefined;
  /** Channel binding data of the TLS connection (RFC 5056); undefined where there is none of that type. */
  readonly binding: (type: BindingType) => Buffer | undefined;
  /** A mechanism with channel binding was offered, so that a client that knows it uses it. */
  readonly offersBinding: boolean;
}

export interface Mechanism {
  readonly name: string;
  /** Shows the password to the server. */
  readonly plainText: boolean;
  /** Only where the connection has data to bind to. */
  readonly binds: boolean;
  begin(context: SaslContext): SaslExchange;
}

export const malformed: SaslStep = { result: 'failed', why: 'malformed' };
export const wrong: SaslStep = { result: 'failed', why: 'credentials' };
export const emptyChallenge: SaslStep = { result: 'challenge', challenge: Buffer.alloc(0) };

/** UTF-8, or undefined for what is none. */
export function utf8(octets: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}
