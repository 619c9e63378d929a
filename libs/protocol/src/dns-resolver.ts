/**
 * dns-resolver: where mail for a domain goes, and addresses of named hosts (RFC 5321 §5, RFC 7505).
 * A pool; answers from its cache or from the nameservers.
 */
import { defineProtocol, request } from '@postrider/actor';

/** A host that takes mail, with its addresses: try in this order. */
export interface MailExchanger {
  /** Lower case, no final dot; an address for address literals. */
  readonly host: string;
  /** 0 for an implicit MX and for a named next hop. */
  readonly preference: number;
  readonly addresses: readonly string[];
}

export type LocateAnswer =
  | {
      readonly result: 'exchangers';
      /** By preference; equals are shuffled by the asker, which spreads the load (RFC 5321 §5.1). */
      readonly exchangers: readonly [MailExchanger, ...MailExchanger[]];
      readonly source: 'mx' | 'implicit-mx' | 'address-literal' | 'named-host';
      /** How long the answer may be kept, milliseconds. */
      readonly ttl: number;
    }
  /** RFC 7505: the domain takes no mail; 5.1.10. */
  | { readonly result: 'null-mx'; readonly ttl: number }
  /** NXDOMAIN, or neither MX nor address: permanent, 5.1.2. */
  | { readonly result: 'no-such-domain'; readonly ttl: number; readonly text: string }
  /** SERVFAIL, no answer: 4.4.3. */
  | { readonly result: 'temporary'; readonly text: string };

export type ReverseAnswer =
  /** Lower case, no final dot; the address is one of its own. */
  | { readonly result: 'name'; readonly name: string }
  /** No name, or none that leads back. */
  | { readonly result: 'none' }
  | { readonly result: 'temporary'; readonly text: string };

export const dnsResolver = defineProtocol('dns-resolver', 'pool', {
  /** Exchangers of a mail domain, or of an address literal in brackets. */
  locate: request<{ readonly domain: string }, LocateAnswer>({ deadline: 20_000, concurrent: true }),
  /** Addresses of a host named in a route: no MX lookup. */
  resolve: request<{ readonly host: string }, LocateAnswer>({ deadline: 20_000, concurrent: true }),
  /** The name of an IPv4 or IPv6 address (RFC 8601 §2.7.3). */
  reverse: request<{ readonly address: string }, ReverseAnswer>({ deadline: 20_000, concurrent: true }),
});
