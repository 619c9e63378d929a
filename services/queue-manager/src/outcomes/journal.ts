/** The owner's writes, all of them: so that one can wait until nothing is unwritten. */
import type { MailObject, MailRecord } from '@postrider/mail';
import type { ShardOwner } from '@postrider/spool';

export class Journal {
  readonly #owner: ShardOwner;
  readonly #unwritten = new Set<Promise<unknown>>();

  constructor(owner: ShardOwner) {
    this.#owner = owner;
  }

  record(records: readonly MailRecord[]): Promise<void> {
    return this.track(this.#owner.record(records));
  }

  defer(mail: MailObject, records: readonly MailRecord[]): Promise<void> {
    return this.track(this.#owner.defer(mail, records));
  }

  /** Something that ends in a write. */
  track<T>(write: Promise<T>): Promise<T> {
    this.#unwritten.add(write);
    const done = (): void => void this.#unwritten.delete(write);
    write.then(done, done);
    return write;
  }

  /** Resolves when all that was to be written until now is durable. @throws Fenced */
  async settled(): Promise<void> {
    await Promise.all(this.#unwritten);
  }
}
