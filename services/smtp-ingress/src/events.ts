/** The facts that smtp-ingress tells (libs/protocol events.ts). */
import type { Bus } from '@postrider/bus';
import type { Envelope } from '@postrider/mail';
import { replyText, type Reply } from '@postrider/smtp';

export interface IngressEvents {
  /** Durable in the spool; a mail in several parts is told part by part. */
  accepted(envelope: Envelope, shard: string): void;
  rejected(rejection: Rejection): void;
}

export interface Rejection {
  readonly client: string;
  readonly helo: string;
  readonly listener: string;
  /** The verb that was refused, `end-of-data` for the content, `connect` for the connection. */
  readonly verb: string;
  readonly reply: Reply;
  readonly reversePath?: string;
  readonly recipient?: string;
}

export function ingressEvents(bus: Bus): IngressEvents {
  return {
    accepted(envelope, shard) {
      const { client, identity, scheduling } = envelope;
      const given = new Set(
        envelope.recipients.flatMap(({ original, forwardPath }) =>
          original === forwardPath ? [] : (original ?? []),
        ),
      );
      const facts = {
        mail: envelope.id,
        shard,
        reversePath: envelope.reversePath,
        recipients: envelope.recipients.flatMap(({ forwardPath, expanded }) =>
          expanded ? [] : [forwardPath],
        ),
        ...(given.size === 0 ? {} : { given: [...given] }),
        sizeInOctets: envelope.sizeInOctets,
        client: client.address,
        helo: client.helo,
        protocol: client.protocol,
        listener: envelope.listener,
        ...(identity === undefined ? {} : { identity }),
        ...(scheduling === undefined ? {} : { scheduling }),
      };
      // The end of the data: what others do with the mail is later by every clock that is right.
      bus.publishEvent('smtp-ingress', 'accepted', facts, { at: envelope.acceptedAt });
    },
    rejected(rejection) {
      bus.publishEvent('smtp-ingress', 'rejected', { ...rejection, reply: replyText(rejection.reply) });
    },
  };
}
