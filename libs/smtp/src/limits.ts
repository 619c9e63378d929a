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
  /** With CRLF, where nothing else is configured. */
  commandLine: 2048,
  /**
   * A server must take so much: 512 with CRLF (RFC 5321 §4.5.3.1.4), and what the extensions add to MAIL: SIZE 26
   * (RFC 1870 §3), BODY 16 (RFC 3030 §3), AUTH 500 (RFC 4954 §3), RET and ENVID 116 (RFC 3461 §6), SMTPUTF8 10
   * (RFC 6531 §3.1), REQUIRETLS 11 (RFC 8689 §2), HOLDUNTIL 34 (RFC 4865 §3), BY 17 (RFC 2852 §2), MT-PRIORITY 15
   * (RFC 6710 §3). RCPT needs less: 1036 (RFC 3461 §6).
   */
  commandLineAtLeast: 1257,
  /** Of AUTH and of answers to its challenges (RFC 4954 §4): an access token is longer than a command. */
  authLine: 12_288,
  /** RFC 5321 §4.5.3.1.6, CRLF included: a server must take so much. */
  textLineAtLeast: 1000,
  /** RFC 5321 §4.5.3.1.5, code and CRLF included. */
  replyLine: 512,
} as const;
