/** What a mail's records leave to be done: pure, the same for replay, for the owner's memory and for the model test. */
import { isFinal, type Envelope, type MailObject, type MailRecord } from '@postrider/mail';
import type { OpenRecipient } from './spool.js';

/** A mail as its records have left it. */
export interface MailState {
  readonly open: readonly OpenRecipient[];
  readonly held?: string;
}

export const untouched = (envelope: Envelope): MailState => ({
  open: envelope.recipients.map((_, index) => ({ index, attempts: 0, until: 0, unknowns: 0 })),
  ...(envelope.hold === undefined ? {} : { held: envelope.hold }),
});

/** In log order; the first final record of a recipient wins, since it is open no longer for a second. */
export function applyRecord(state: MailState, record: MailRecord): MailState {
  if (isFinal(record)) {
    const closed = new Set(record.recipients);
    return { ...state, open: state.open.filter(({ index }) => !closed.has(index)) };
  }
  switch (record.kind) {
    case 'deferred':
    case 'unknown':
      return { ...state, open: state.open.map((recipient) => attempted(recipient, record)) };
    case 'hold':
      return { ...state, held: record.reason };
    case 'release':
      return { open: state.open.map((recipient) => ({ ...recipient, until: 0, unknowns: 0 })) };
    case 'retry':
      return { ...state, open: state.open.map((recipient) => ({ ...recipient, until: 0 })) };
    case 'delete':
      return { open: [] };
    case 'moved':
      return state;
  }
}

function attempted(
  recipient: OpenRecipient,
  record: Extract<MailRecord, { readonly kind: 'deferred' | 'unknown' }>,
): OpenRecipient {
  if (!record.recipients.includes(recipient.index)) return recipient;
  return {
    index: recipient.index,
    attempts: record.attempt,
    until: record.until,
    unknowns: record.kind === 'unknown' ? recipient.unknowns + 1 : 0,
    diagnostic: record.diagnostic,
  };
}

/** Mail that exists because of this record. */
export const bornOf = (record: MailRecord): readonly MailObject[] =>
  isFinal(record) || record.kind === 'deferred' || record.kind === 'unknown' ? (record.born ?? []) : [];
