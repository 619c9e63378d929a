/**
 * A server's reply (RFC 5321 §4.2) as a value. Texts hold no CR or LF and no internals of ours.
 */

/** `class.subject.detail` (RFC 3463 §2), such as `5.1.1`. */
export type EnhancedStatus = `${2 | 4 | 5}.${number}.${number}`;

export interface Reply {
  /** Three digits, 200 to 599 (RFC 5321 §4.2.1). */
  readonly code: number;
  /** Absent on 1yz-less replies that RFC 2034 §4 exempts: greeting, EHLO, HELO, 354. */
  readonly enhanced?: EnhancedStatus;
  /** At least one line; several make a multiline reply. */
  readonly lines: readonly [string, ...string[]];
  /** The client has asked for UTF-8 in it (RFC 6531 §3.7.4.2). */
  readonly utf8?: true;
}
