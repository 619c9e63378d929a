/** What a server takes, from its reply to EHLO or LHLO. */
import { sizeLimit, type Extensions } from '@postrider/smtp';

export interface Offer {
  /** Name of the exchanger: Remote-MTA. */
  readonly host: string;
  readonly lmtp: boolean;
  /** RFC 2920 */
  readonly pipelining: boolean;
  /** RFC 1870: MAIL may say the size. */
  readonly size: boolean;
  readonly sizeLimit: number | undefined;
  /** RFC 6152 */
  readonly eightBit: boolean;
  /** RFC 3461 */
  readonly dsn: boolean;
  /** RFC 3030: CHUNKING and BINARYMIME */
  readonly binary: boolean;
  /** RFC 6531 */
  readonly smtputf8: boolean;
}

export const offerOf = (extensions: Extensions, host: string, lmtp: boolean): Offer => ({
  host,
  lmtp,
  pipelining: extensions.has('PIPELINING'),
  size: extensions.has('SIZE'),
  sizeLimit: sizeLimit(extensions),
  eightBit: extensions.has('8BITMIME'),
  dsn: extensions.has('DSN'),
  binary: extensions.has('CHUNKING') && extensions.has('BINARYMIME'),
  smtputf8: extensions.has('SMTPUTF8'),
});
