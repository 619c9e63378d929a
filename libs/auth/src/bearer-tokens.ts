/** Access tokens (RFC 6750) as the mechanisms see them: the interface, whoever checks them. */

export type TokenVerdict =
  | { readonly result: 'valid'; /** Whose it is, by the claim that names it. */ readonly name: string }
  /** An error code of RFC 6750 §3.1. */
  | { readonly result: 'refused'; readonly error: 'invalid_token' | 'insufficient_scope' };

export interface BearerTokens {
  /** Told to a client whose token is refused (RFC 7628 §3.2.2). */
  readonly scope?: string;
  /** URL of the document that tells a client where it gets tokens (RFC 7628 §3.2.2). */
  readonly openidConfiguration?: string;
  /** Rejects when the keys can't be had: nothing is known of the token then. */
  check(token: string): Promise<TokenVerdict>;
}
