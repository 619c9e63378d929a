/** The message was not handled: the mailbox is full, or the actor has ended, or knows no such message. */
export class Refused extends Error {
  readonly reason: 'mailbox full' | 'stopped' | 'unknown message';

  constructor(reason: Refused['reason'], text: string) {
    super(text);
    this.reason = reason;
  }
}
