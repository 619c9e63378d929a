/**
 * Cleaning DEFER as a log-structured file system is cleaned: when less than half of it is live, the oldest live mails are
 * written again at its end, so that the dead between them can be truncated.
 */
import type { MailId } from '@postrider/mail';
import { contentOf } from './content-of.js';
import { subjects } from './names.js';
import { applyRecord, bornOf, untouched, type MailState } from './open-recipients.js';
import type { OwnedShard } from './owned-shard.js';
import type { DeferredMail } from './record-frame.js';
import { bundlesOf } from './replay.js';
import { inPinned, type LiveMail, type LiveMails } from './live-mails.js';

/** Mails of one pass over the states: their envelopes are in memory. */
const copiedAtOnce = 20_000;
/** Contents in memory. */
const copiedOctets = 8 * 1024 * 1024;
const copiedTogether = 100;

/** What a mail's put and the records since say of it. */
interface DeferredNow {
  readonly put: DeferredMail;
  readonly state: MailState;
}

/** @returns true when something was copied */
export async function cleanDefer(shard: OwnedShard, cancelled: () => boolean): Promise<boolean> {
  const { state, used, deferFull, cleanedOver } = shard;
  const { mails, contentOctets, stateOctets } = state.deferred;
  const contents = used.deferContent > cleanedOver && contentOctets < used.deferContent / 2;
  const states = used.defer > cleanedOver && stateOctets < used.defer / 2;
  // Copying needs room; with none left, only mail that ends makes some.
  if (mails === 0 || deferFull || !(contents || states)) return false;
  const oldest = oldestOf(state.live, contents ? ({ contentSequence }) => contentSequence : ({ pin }) => pin);
  for (const [id] of oldest) shard.cleaning.add(id);
  try {
    const now = await statesOf(shard);
    for (const together of slices(oldest)) {
      if (cancelled()) break;
      await Promise.all(together.map(([id]) => copyForward(shard, id, { now: now.get(id), contents })));
    }
  } finally {
    shard.cleaning.clear();
  }
  return true;
}

type Entry = readonly [id: MailId, mail: LiveMail];

/** In two passes, so that a long queue is not in memory as objects: how old they are, then those that are old enough. */
function oldestOf(live: LiveMails, age: (mail: LiveMail) => number): readonly Entry[] {
  const ages = new Float64Array(live.size);
  let deferred = 0;
  for (const [, mail] of live) if (mail.place === 'defer') ages[deferred++] = age(mail);
  const oldEnough = ages.subarray(0, deferred).sort()[Math.min(deferred, copiedAtOnce) - 1] ?? -Infinity;
  const oldest: Entry[] = [];
  for (const entry of live) if (entry[1].place === 'defer' && age(entry[1]) <= oldEnough) oldest.push(entry);
  return oldest.sort(([, a], [, b]) => age(a) - age(b)).slice(0, copiedAtOnce);
}

/** So many that their contents take no more than is allowed; one at least. */
function* slices(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let slice: Entry[] = [];
  let octets = 0;
  for (const entry of entries) {
    octets += entry[1].contentOctets;
    if (slice.length > 0 && (octets > copiedOctets || slice.length >= copiedTogether)) {
      yield slice;
      slice = [];
      octets = entry[1].contentOctets;
    }
    slice.push(entry);
  }
  if (slice.length > 0) yield slice;
}

/** One pass over DEFER's states, for those that are to be copied. */
async function statesOf(shard: OwnedShard): Promise<ReadonlyMap<MailId, DeferredNow>> {
  const { clock, streams, deferState, cleaning } = shard;
  // A record that is on its way now has to be among those read.
  await deferState.flushed();
  const found = new Map<MailId, DeferredNow>();
  const source = {
    log: shard.rereader('defer'),
    clock,
    stream: streams.defer,
    subject: subjects.state(shard.shard),
    upTo: deferState.last,
  };
  // What can't be read was reported when the shard was taken over.
  for await (const { entries } of bundlesOf({ ...source, damaged: () => undefined })) {
    for (const entry of entries) {
      if (entry.entry === 'put') {
        const { open, held, envelope } = entry.deferred;
        if (!cleaning.has(envelope.id)) continue;
        found.set(envelope.id, {
          put: entry.deferred,
          state: held === undefined ? { open } : { open, held },
        });
      } else if (entry.entry === 'record') {
        const { record } = entry;
        const known = found.get(record.id);
        if (known) found.set(record.id, { ...known, state: applyRecord(known.state, record) });
        for (const { envelope } of bornOf(record)) {
          if (!cleaning.has(envelope.id) || found.has(envelope.id)) continue;
          const state = untouched(envelope);
          found.set(envelope.id, { put: { envelope, open: state.open, home: 0 }, state });
        }
      }
    }
  }
  return found;
}

interface Copy {
  readonly now: DeferredNow | undefined;
  /** Copy the content too. */
  readonly contents: boolean;
}

async function copyForward(shard: OwnedShard, id: MailId, { now, contents }: Copy): Promise<void> {
  const live = shard.state.live.get(id);
  if (!live || !now) return;
  const { envelope } = now.put;
  const inRecord = live.contentSequence === inPinned && live.large === undefined;
  const content =
    inRecord || (contents && live.contentSequence !== inPinned)
      ? await contentOf(shard, id, live)
      : undefined;
  const written = content && (await shard.contents.write(id, content));
  // A record came, or it has ended: then what was read is no longer true, and another pass will do it.
  if (shard.cleaning.has(id)) {
    const contentAt = written ?? now.put.contentAt;
    await shard.deferState.write([
      { entry: 'put', deferred: { envelope, ...now.state, home: 0, ...(contentAt ? { contentAt } : {}) } },
    ]);
  }
  if (written) shard.contents.named(written);
}
