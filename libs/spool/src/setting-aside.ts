/**
 * To QUARANTINE and back: what can't be read, and what ends each replay, is copied there and then no longer pins the
 * shard's log; an operator looks at it and releases or deletes it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { derivedMailId, type Envelope, type MailId, type MailObject } from '@postrider/mail';
import { DamagedFrame, decodeFrame, decodeMail, encodeFrame, mailItem, writerIdLength } from './frame.js';
import { subjects } from './names.js';
import { bornOf } from './open-recipients.js';
import type { OwnedShard } from './owned-shard.js';
import type { Kept, KeptHead } from './quarantine.js';
import { decodeBundle, encodeBundle, type ReplayedLog, type ReplayMark } from './record-frame.js';
import type { LogMessage } from './log.js';
import type { OpenRecipient, QuarantinedRecord, Released } from './spool.js';

export interface Damage {
  readonly log: ReplayedLog;
  readonly sequence: number;
  readonly text: string;
  /** Index of the one item that is damaged. */
  readonly item?: number;
}

/** @returns whether it is there now, and so no longer needs its place in the log */
export async function keepDamaged(shard: OwnedShard, damage: Damage): Promise<boolean> {
  const { log, sequence, text, item } = damage;
  return kept(shard, damage, (message) => {
    const head: KeptHead = {
      log,
      sequence,
      ...(item === undefined ? {} : { item }),
      reason: text,
      at: shard.clock.now(),
    };
    return shard.quarantine.keep(head, message.payload);
  });
}

/** @param openOf what is known of a mail's open recipients */
export async function keepPoison(
  shard: OwnedShard,
  { log, from: sequence, mail }: ReplayMark,
  how: { readonly deaths: number; readonly openOf: (envelope: Envelope) => readonly OpenRecipient[] },
): Promise<boolean> {
  const reason = `${how.deaths} replays in a row ended with it in hand`;
  return kept(shard, { log, sequence }, (message) => {
    const head: KeptHead = { log, sequence, reason, at: shard.clock.now() };
    if (mail === undefined) return shard.quarantine.keep(head, message.payload);
    const object = mailIn(message.payload, mail);
    if (object === undefined) throw new Error(`${mail} is not in ${sequence}`);
    const body = encodeFrame({ writer: randomBytes(writerIdLength), number: 1, items: [mailItem(object)] });
    return shard.quarantine.keep({ ...head, mail, open: how.openOf(object.envelope) }, body);
  });
}

async function kept(
  shard: OwnedShard,
  { log, sequence }: { readonly log: ReplayedLog; readonly sequence: number },
  keep: (message: LogMessage) => Promise<QuarantinedRecord | undefined>,
): Promise<boolean> {
  try {
    const message = await shard.log.at(shard.streamOf(log), sequence);
    if (message === undefined) return false;
    const record = await keep(message);
    shard.keepsUnread(log);
    if (record !== undefined) shard.toldOf(record);
    return true;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    shard.fault(`${shard.streamOf(log)} ${sequence} could not be set aside: ${text}`);
    return false;
  }
}

function mailIn(payload: Uint8Array, id: MailId): MailObject | undefined {
  for (const item of decodeFrame(payload).items) {
    const mail = item && decodeMail(item);
    if (mail?.envelope.id === id) return mail;
  }
  return undefined;
}

/** In the place of a message that is kept in QUARANTINE: one of its kind with nothing in it. */
export const emptied = (log: ReplayedLog, { sequence, subject }: LogMessage): LogMessage => ({
  sequence,
  subject,
  payload:
    log === 'segment'
      ? encodeFrame({ writer: randomBytes(writerIdLength), number: 1, items: [] })
      : encodeBundle({ epoch: 0, owner: '', ownership: '', bundle: 0, entries: [] }),
});

/**
 * Puts the mail of a kept record into the shard's log as new mail, with the recipients that were open, and under an id
 * that follows from the old one: what happened before is no longer known of the old.
 * @returns what was released; @throws DamagedFrame when nothing in it can be read, or when the log does not take it
 */
export async function release(shard: OwnedShard, key: string): Promise<Released | undefined> {
  const found = await shard.quarantine.read(key);
  if (found === undefined) return undefined;
  const mails = await mailsOf(shard, found);
  if (mails.length === 0) throw new DamagedFrame('no mail in it can be read: delete it, or keep it');
  for (const mail of mails) {
    const frame = encodeFrame({ writer: randomBytes(writerIdLength), number: 1, items: [mailItem(mail)] });
    const result = await shard.log.append(subjects.segment(shard.shard), frame);
    if (result.result !== 'acknowledged') throw new Error(`the log took no release: ${result.text}`);
  }
  await shard.quarantine.end(key);
  shard.segments.wake();
  return { ids: mails.map(({ envelope }) => envelope.id) };
}

async function mailsOf(shard: OwnedShard, { head, body }: Kept): Promise<readonly MailObject[]> {
  if (head.item !== undefined) return [];
  if (head.log === 'segment') {
    const items = decodeFrame(body).items.flatMap((item) => (item ? [decodeMail(item)] : []));
    return items.map((mail) => renewed(mail, head.open));
  }
  const mails: MailObject[] = [];
  for (const entry of decodeBundle(body).entries) {
    // What was born has its own id, and is dropped as a second copy if it lives.
    if (entry.entry === 'record') mails.push(...bornOf(entry.record));
    if (entry.entry !== 'put' || shard.state.live.has(entry.deferred.envelope.id)) continue;
    const { envelope, open, contentAt } = entry.deferred;
    const content = contentAt && (await shard.contents.read(envelope.id, contentAt));
    mails.push(renewed(content === undefined ? { envelope } : { envelope, content }, open));
  }
  return mails;
}

function renewed(mail: MailObject, open: readonly OpenRecipient[] | undefined): MailObject {
  const { envelope } = mail;
  const digest = createHash('sha256').update(`${envelope.id} released`).digest();
  const recipients =
    open === undefined
      ? envelope.recipients
      : envelope.recipients.filter((_, index) => open.some((one) => one.index === index));
  const id = derivedMailId(envelope.acceptedAt, digest.subarray(0, 8));
  return { ...mail, envelope: { ...envelope, id, recipients, bornOf: envelope.id } };
}
