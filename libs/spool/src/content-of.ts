/** The content of a live mail: in DEFER-CONTENT, or in the segment or record that the mail pins. */
import type { MailId } from '@postrider/mail';
import type { DeferredContents } from './deferred-contents.js';
import { decodeFrame, decodeMail, isFrame } from './frame.js';
import type { Log } from './log.js';
import type { ShardStreams } from './names.js';
import { bornOf } from './open-recipients.js';
import { decodeBundle } from './record-frame.js';
import { inPinned, type LiveMail } from './live-mails.js';
import { ContentMissing } from './spool.js';

interface Where {
  readonly log: Log;
  readonly streams: ShardStreams;
  readonly contents: DeferredContents;
}

/** Of a mail that is not large. @throws ContentMissing; also when the log can't be read */
export async function contentOf(
  { log, streams, contents }: Where,
  id: MailId,
  mail: LiveMail,
): Promise<Uint8Array> {
  const { place, pin, contentSequence, contentIndex } = mail;
  if (contentSequence !== inPinned) return contents.read(id, [contentSequence, contentIndex]);
  const message = await log.at(streams[place], pin);
  const content = message && contentIn(message.payload, id);
  if (!content) throw new ContentMissing(`${streams[place]} ${pin} does not hold the content of ${id}`);
  // A copy: a view would keep the whole message in memory for as long as the mail is active.
  return Buffer.from(content);
}

function contentIn(payload: Uint8Array, id: MailId): Uint8Array | undefined {
  if (isFrame(payload)) {
    for (const item of decodeFrame(payload).items) {
      const mail = item && decodeMail(item);
      if (mail?.envelope.id === id) return mail.content;
    }
    return undefined;
  }
  for (const entry of decodeBundle(payload).entries) {
    const born = entry.entry === 'record' ? bornOf(entry.record) : [];
    const found = born.find(({ envelope }) => envelope.id === id);
    if (found) return found.content;
  }
  return undefined;
}
