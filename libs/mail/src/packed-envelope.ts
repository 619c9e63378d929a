/**
 * The envelope of a mail that rests, as one string: a tenth of what the objects cost. In memory only, never written.
 */
import type { MailId } from './mail-id.js';
import type { Envelope, Recipient } from './mail-object.js';

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
  const { reversePath, recipients, sizeInOctets, body, client, ...others } = envelope;
  // JSON leaves out what is undefined: the mail keeps those itself.
  const rest = { ...others, id: undefined, acceptedAt: undefined };
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
