/** Records by mail, as replay meets them before the mail itself. The first final record of a recipient wins. */
import { isFinal, type Envelope, type MailId, type MailRecord } from '@postrider/mail';
import { applyRecord, untouched, type MailState } from './open-recipients.js';

interface Known {
  readonly records: MailRecord[];
  /** Indexes of recipients that had a final record. */
  readonly closed: number[];
  moved: boolean;
  deleted: boolean;
}

export class RecordsBefore {
  readonly #known = new Map<MailId, Known>();

  /** In log order. @returns false when all its recipients had ended before: then nothing of it counts */
  add(record: MailRecord): boolean {
    const known = this.#knownOf(record.id);
    if (known.deleted) return false;
    if (record.kind === 'moved') known.moved = true;
    if (record.kind === 'delete') known.deleted = true;
    if ('recipients' in record) {
      const first = record.recipients.filter((index) => !known.closed.includes(index));
      if (first.length === 0) return false;
      if (isFinal(record)) known.closed.push(...first);
    }
    known.records.push(record);
    return true;
  }

  /** The mail went to DEFER: what SPOOL has of it is history. */
  moved(id: MailId): boolean {
    return this.#known.get(id)?.moved ?? false;
  }

  /** The state of a mail after all that is known of it. */
  stateOf(envelope: Envelope): MailState {
    const records = this.#known.get(envelope.id)?.records;
    const start = untouched(envelope);
    return records ? records.reduce(applyRecord, start) : start;
  }

  /** What of a state is still open after what ended here. */
  finish(id: MailId, state: MailState): MailState {
    const known = this.#known.get(id);
    if (!known) return state;
    if (known.deleted) return { open: [] };
    return { ...state, open: state.open.filter(({ index }) => !known.closed.includes(index)) };
  }

  clear(): void {
    this.#known.clear();
  }

  #knownOf(id: MailId): Known {
    let known = this.#known.get(id);
    if (!known) this.#known.set(id, (known = { records: [], closed: [], moved: false, deleted: false }));
    return known;
  }
}
