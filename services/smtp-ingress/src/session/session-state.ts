/** The states of a session (RFC 5321 §4.1.4), one union: what cannot be, cannot be written. */
import type { Envelope, EnvelopeDsn, Scheduling } from '@postrider/mail';
import type { ContentReceiver } from '../content/content-receiver.js';
import type { AcceptedForwardPath } from '../policy/recipients.js';

export interface Client {
  /** As given by EHLO or HELO: a domain in lower case or an address literal. */
  readonly helo: string;
  /** By HELO, EHLO or LHLO. */
  readonly protocol: 'SMTP' | 'ESMTP' | 'LMTP';
}

export interface Transaction {
  /** '' is the null reverse-path. */
  readonly reversePath: string;
  readonly body: Envelope['body'];
  readonly dsn?: EnvelopeDsn;
  readonly scheduling?: Scheduling;
  /** By AUTH= of a client who is trusted with it (RFC 4954 §5). */
  readonly submitter?: string;
  /** REQUIRETLS was given (RFC 8689 §4.1). */
  readonly requireTls?: true;
  /** SMTPUTF8 was given (RFC 6531 §3.4). */
  readonly smtputf8?: 'asked';
}

export type NonEmpty<T> = readonly [T, ...T[]];

export type SessionState =
  | { readonly name: 'greeting' }
  | { readonly name: 'ready'; readonly client: Client }
  | { readonly name: 'mail'; readonly client: Client; readonly transaction: Transaction }
  | {
      readonly name: 'rcpt';
      readonly client: Client;
      readonly transaction: Transaction;
      readonly forwardPaths: NonEmpty<AcceptedForwardPath>;
      /** What BDAT has brought so far (RFC 3030 §2). */
      readonly chunks?: ContentReceiver;
    }
  | { readonly name: 'closed' };

export type StateName = SessionState['name'];
export type StateNamed<S extends StateName> = Extract<SessionState, { name: S }>;

export const isIn = <S extends StateName>(state: SessionState, names: readonly S[]): state is StateNamed<S> =>
  names.some((name) => name === state.name);
