/** Why an `ask` has no answer; each says whether the message may have been handled. */
export class BusError extends Error {
  /** The message may have been handled. */
  readonly unknown: boolean = false;
}
export class DeadlineExceeded extends BusError {
  override readonly unknown = true;
}
export class NobodyAnswers extends BusError {}
export class MailboxFull extends BusError {}
export class BusAway extends BusError {}
/** Over the server's max_payload: a message that will never go, however often it is tried. */
export class PayloadTooLarge extends BusError {}
/** The handler threw; or its answer can't be sent, and then it was handled. */
export class RemoteFault extends BusError {
  override readonly unknown = true;
}
