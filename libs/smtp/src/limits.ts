/**
 * Sizes that RFC 5321 §4.5.3.1 says every server must take at least, and what this one takes at most. Octets.
 */
export const limits = {
  /**
   * RFC 5321 §4.5.3.1.1 asks for 64. Bounce addresses that carry another address (VERP, SRS) are longer, so that a
   * local part is bounded by its path alone.
   */
  localPart: 256,
  /** RFC 5321 §4.5.3.1.2 */
  domain: 255,
  /** RFC 1035 §2.3.4 */
  label: 63,
  /** RFC 5321 §4.5.3.1.3, brackets and source route included. */
  path: 256,
  /** RFC 5321 §4.5.3.1.4 asks for 512 with CRLF; parameters of extensions lengthen it (RFC 1870 §3, RFC 6152 §2, RFC 4954 §3, RFC 3461 §4). */
  commandLine: 2048,
  /** Of AUTH and of answers to its challenges (RFC 4954 §4): an access token is longer than a command. */
  authLine: 12_288,
  /** RFC 5321 §4.5.3.1.5, code and CRLF included. */
  replyLine: 512,
} as const;
