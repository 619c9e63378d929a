/**
 * The envelope of a mail that rests, as one string: a tenth of what the objects cost. In memory only, never written.
 */
import type { Envelope, MailId, Recipient } from '@postrider/mail';

/** What its mail keeps anyway. */
export interface Kept {
  readonly id: MailId;
  readonly acceptedAt: number;
}

type Packed = readonly [
  reversePath: string,
  recipients: readonly (string | Recipient)[],
  sizeInOctets: number,
  /** Everything else, as it is. */
  rest: Omit<
    Envelope,
    'id' | 'acceptedAt' | 'reversePath' | 'recipients' | 'sizeInOctets' | 'body' | 'client'
  >,
  body: Envelope['body'],
  address: string,
  helo: string,
  protocol: Envelope['client']['protocol'],
];

export function packEnvelope(envelope: Envelope): string {
  const {
    reversePath,
    recipients,
    sizeInOctets,
    body,
    client,
    listener,
    identity,
    large,
    dsn,
    scheduling,
    bornOf,
  } = envelope;
  const rest = {
    listener,
    ...(identity === undefined ? {} : { identity }),
    ...(large === undefined ? {} : { large }),
    ...(dsn === undefined ? {} : { dsn }),
    ...(scheduling === undefined ? {} : { scheduling }),
    ...(bornOf === undefined ? {} : { bornOf }),
  };
  const paths = recipients.map((recipient) =>
    Object.keys(recipient).length === 1 ? recipient.forwardPath : recipient,
  );
  const { address, helo, protocol } = client;
  const packed: Packed = [reversePath, paths, sizeInOctets, rest, body, address, helo, protocol];
  return JSON.stringify(packed);
}

/** Decoder of what `packEnvelope` made. */
export function unpackEnvelope(text: string, { id, acceptedAt }: Kept): Envelope {
  const [reversePath, paths, sizeInOctets, rest, body, address, helo, protocol] = JSON.parse(text) as Packed;
  const recipients = paths.map((path) => (typeof path === 'string' ? { forwardPath: path } : path));
  return {
    id,
    acceptedAt,
    reversePath,
    recipients,
    sizeInOctets,
    body,
    client: { address, helo, protocol },
    ...rest,
  };
}
