/** What a server takes, from its reply to EHLO or LHLO. */
import { sizeLimit, type Extensions } from '@postrider/smtp';
import { schedulingOffer, type SchedulingOffer } from './scheduling-parameters.js';

/** none: in the clear; unsigned: the name that the certificate proves comes from an MX record that nobody signed. */
export type TlsProof = 'none' | 'unverified' | 'unsigned' | 'verified';

export interface Offer extends SchedulingOffer {
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
  /** RFC 8689 */
  readonly requireTls: boolean;
  /** How sure it is who hears what is said. */
  readonly tls: TlsProof;
  /** RFC 3030: CHUNKING and BINARYMIME */
  readonly binary: boolean;
  /** RFC 6531 */
  readonly smtputf8: boolean;
  /** RFC 4954: MAIL may say who submitted it. */
  readonly auth: boolean;
}

export const offerOf = (
  extensions: Extensions,
  { host, lmtp }: Pick<Offer, 'host' | 'lmtp'>,
  tls: TlsProof,
): Offer => ({
  host,
  lmtp,
  tls,
  requireTls: extensions.has('REQUIRETLS'),
  pipelining: extensions.has('PIPELINING'),
  size: extensions.has('SIZE'),
  sizeLimit: sizeLimit(extensions),
  eightBit: extensions.has('8BITMIME'),
  dsn: extensions.has('DSN'),
  ...schedulingOffer(extensions),
  binary: extensions.has('CHUNKING') && extensions.has('BINARYMIME'),
  smtputf8: extensions.has('SMTPUTF8'),
  auth: extensions.has('AUTH'),
});
