/**
 * Delivery into a Maildir: written to tmp, synced, linked to new, the folder synced. The file's name follows from the
 * mail, so a delivery that is repeated after a crash finds itself done.
 */
import { open, link, mkdir, readdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLocalPart } from './local-part.js';

export interface MaildirMail {
  /** Unique, the same when the delivery is repeated. */
  readonly name: string;
  readonly reversePath: string;
  readonly forwardPath: string;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** The recipient can't have a Maildir here: permanent. */
export class NoMaildir extends Error {}

/** `<folder>/<local part>/Maildir/new`. @throws NoMaildir, or the system's error (full, no permission): temporary */
export async function deliverToMaildir(folder: string, mail: MaildirMail): Promise<void> {
  const user = parseLocalPart(mail.forwardPath);
  if (user === undefined) throw new NoMaildir(`<${mail.forwardPath}> is no name that a folder may have`);
  const maildir = join(folder, user, 'Maildir');
  for (const part of ['tmp', 'new', 'cur'])
    await mkdir(join(maildir, part), { recursive: true, mode: 0o700 });
  if (await isDelivered(maildir, mail.name)) return;
  const draft = join(maildir, 'tmp', mail.name);
  // A draft of an attempt that was cut off is begun anew.
  await unlink(draft).catch(ignoreMissing);
  try {
    await write(draft, mail);
    await link(draft, join(maildir, 'new', mail.name)).catch(ignoreExisting);
    await syncFolder(join(maildir, 'new'));
  } finally {
    await unlink(draft).catch(ignoreMissing);
  }
}

async function write(draft: string, { reversePath, forwardPath, content }: MaildirMail): Promise<void> {
  const file = await open(draft, 'wx', 0o600);
  try {
    // RFC 5321 §4.4: the server that makes the final delivery inserts the return-path.
    await file.write(`Return-Path: <${reversePath}>\r\nDelivered-To: ${forwardPath}\r\n`);
    for await (const chunk of content) await writeWhole(file, chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
}

/** In new, or read already: in cur with flags behind a colon. */
async function isDelivered(maildir: string, name: string): Promise<boolean> {
  for (const part of ['new', 'cur']) {
    const names = await readdir(join(maildir, part));
    if (names.some((other) => other === name || other.startsWith(`${name}:`))) return true;
  }
  return false;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}
