/**
 * Delivery into a Maildir: written to tmp, synced, renamed into new, the folder synced. The file's name follows from
 * the mail, so that a delivery repeated after a crash replaces the first one instead of standing beside it.
 */
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, type FolderSync } from './folder-sync.js';
import { folderOf } from './local-part.js';

export interface MaildirMail {
  /** Names the file: unique among all mails, the same when the delivery is repeated. */
  readonly name: string;
  readonly reversePath: string;
  readonly forwardPath: string;
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** The recipient can't have a Maildir here: permanent. */
export class NoMaildir extends Error {}

/** A clock of a file server may differ by that much, milliseconds. */
const clockDifference = 60_000;

let drafts = 0;

/** Into `<folder>/<local part>/Maildir/new`. @throws NoMaildir, or what the system or the content's reader throws */
export async function deliverToMaildir(folder: string, mail: MaildirMail, sync: FolderSync): Promise<void> {
  const user = folderOf(mail.forwardPath);
  if (user === undefined)
    throw new NoMaildir(`<${mail.forwardPath}>: the local part can't be a folder's name`);
  const maildir = join(folder, user, 'Maildir');
  if (await isRead(maildir, mail)) return;
  const draft = join(maildir, 'tmp', `${mail.name}.${process.pid}-${drafts++}`);
  try {
    await write(await openDraft(draft, maildir), mail);
    await rename(draft, join(maildir, 'new', mail.name));
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw error;
  }
  await sync.sync(join(maildir, 'new'));
}

async function openDraft(draft: string, maildir: string): Promise<FileHandle> {
  try {
    return await open(draft, 'wx', 0o600);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    // tmp comes last: where it stands, the others do, and are durable.
    for (const part of ['cur', 'new', 'tmp']) await makeFolder(join(maildir, part));
    return open(draft, 'wx', 0o600);
  }
}

/** With those above it that are missing; their entries are synced, or a crash takes them away with the mail. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function write(file: FileHandle, { reversePath, forwardPath, content }: MaildirMail): Promise<void> {
  try {
    // RFC 5321 §4.4: the server that makes the final delivery inserts the return-path.
    await writeWhole(file, Buffer.from(`Return-Path: <${reversePath}>\r\nDelivered-To: ${forwardPath}\r\n`));
    for await (const chunk of content) await writeWhole(file, chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
}

/**
 * Delivered before, and read since: a mail program moves it to cur, with flags behind a colon. Only a folder that has
 * changed since the mail was accepted can have it; most need not be listed.
 */
async function isRead(maildir: string, { name, acceptedAt }: MaildirMail): Promise<boolean> {
  const cur = join(maildir, 'cur');
  try {
    if ((await stat(cur)).mtimeMs < acceptedAt - clockDifference) return false;
    return (await readdir(cur)).some((other) => other === name || other.startsWith(`${name}:`));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
