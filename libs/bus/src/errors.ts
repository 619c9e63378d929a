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
export class RemoteFault extends BusError {
  override readonly unknown = true;
}
