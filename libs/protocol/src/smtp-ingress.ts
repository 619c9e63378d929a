/** smtp-ingress as a pool: mail that does not come by SMTP (`postrider send`, `sendmail`). */
import { defineProtocol, request } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import type { Reply } from '@postrider/smtp';

export interface SubmittedMail {
  readonly reversePath: string;
  readonly forwardPaths: readonly string[];
  /** Whole message, CRLF line ends, at most 900 KiB; larger mail goes by SMTP. */
  readonly content: Uint8Array;
  /** Who sends, for Received and events: the local user's name. */
  readonly user: string;
}

export type SubmitAnswer =
  | {
      readonly result: 'accepted';
      readonly id: MailId;
      readonly rejected: readonly { readonly forwardPath: string; readonly reply: Reply }[];
    }
  | { readonly result: 'rejected'; readonly reply: Reply };

export const smtpIngress = defineProtocol('smtp-ingress', 'pool', {
  submit: request<SubmittedMail, SubmitAnswer>({ deadline: 35_000, concurrent: true }),
});
