/** Envelopes for what a transaction has gathered: one, or several that share the content (DESIGN §3). */
import type {
  ClientFacts,
  Envelope,
  EnvelopeDsn,
  LargeContent,
  MailId,
  Recipient,
  Scheduling,
} from '@postrider/mail';
import type { AcceptedForwardPath } from '../policy/recipients.js';

/** Recipients of one mail object. */
const recipientsOfEnvelope = 500;
/** Octets of one envelope, about. */
const envelopeInOctets = 64 * 1024;
/** What a recipient takes besides its addresses. */
const recipientOverheadInOctets = 40;

export interface MailFacts {
  readonly id: MailId;
  readonly reversePath: string;
  readonly body: Envelope['body'];
  readonly sizeInOctets: number;
  readonly acceptedAt: number;
  readonly client: ClientFacts;
  readonly listener: string;
  readonly identity?: string;
  readonly submitter?: string;
  readonly large?: LargeContent;
  readonly dsn?: EnvelopeDsn;
  readonly scheduling?: Scheduling;
  /** Why it waits for an administrator. */
  readonly hold?: string;
  readonly requireTls?: true;
  readonly smtputf8?: NonNullable<Envelope['smtputf8']>;
}

/** The first has the mail's id, the others `ID-1`, `ID-2`, ... */
export function envelopesOf(facts: MailFacts, accepted: readonly AcceptedForwardPath[]): readonly Envelope[] {
  return parts(withoutRepeats(accepted)).map((recipients, n) => ({
    ...facts,
    id: n === 0 ? facts.id : `${facts.id}-${n}`,
    recipients,
  }));
}

/** Nobody gets one mail twice, whichever way his address came in. */
function withoutRepeats(accepted: readonly AcceptedForwardPath[]): readonly Recipient[] {
  const [first, ...others] = accepted;
  if (first && others.length === 0 && first.recipients.length === 1) return first.recipients;
  const known = new Map<string, Recipient>();
  for (const { recipients } of accepted) {
    for (const recipient of recipients)
      if (!known.has(keyOf(recipient))) known.set(keyOf(recipient), recipient);
  }
  return [...known.values()];
}

/** An alias may be one of its own members. */
const keyOf = ({ forwardPath, expanded }: Recipient): string =>
  expanded === true ? `expanded ${forwardPath}` : forwardPath;

function parts(recipients: readonly Recipient[]): readonly (readonly Recipient[])[] {
  if (recipients.length === 1) return [recipients];
  const all: Recipient[][] = [];
  let part: Recipient[] = [];
  let octets = 0;
  for (const recipient of recipients) {
    const more = lengthOf(recipient);
    if (part.length === recipientsOfEnvelope || (part.length > 0 && octets + more > envelopeInOctets)) {
      all.push(part);
      part = [];
      octets = 0;
    }
    part.push(recipient);
    octets += more;
  }
  all.push(part);
  return all;
}

const lengthOf = ({ forwardPath, original, orcpt }: Recipient): number =>
  forwardPath.length + (original?.length ?? 0) + (orcpt?.length ?? 0) + recipientOverheadInOctets;
