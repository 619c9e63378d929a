/** Postfix' smtp-sink as the next hop: it counts mails and does nothing else, so it costs the same for all peers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface CountingSink {
  readonly port: number;
  /** Mails taken so far. */
  count(): number;
  /** Resolves when that many are there. @throws after two minutes without progress */
  reached(count: number): Promise<void>;
  stop(): Promise<void>;
}

const withoutProgress = 120_000;

export interface SinkOptions {
  /** Each mail as a file there, with X-Client-Addr, X-Mail-Args and X-Rcpt-Args on top. */
  readonly dumpFolder?: string;
  /** Flags of smtp-sink(1): `-r rcpt` answers 4xx, `-f rcpt` 5xx. */
  readonly flags?: readonly string[];
}

export async function startSmtpSink(port: number, options: SinkOptions = {}): Promise<CountingSink> {
  const user = process.getuid?.() === 0 ? ['-u', 'postfix'] : [];
  const dump = options.dumpFolder === undefined ? [] : ['-d', `${options.dumpFolder}/%Y%m%d%H%M%S.`];
  const words = [...user, ...dump, ...(options.flags ?? []), '-c', `127.0.0.1:${port}`, '1024'];
  const child = spawn('smtp-sink', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let mails = 0;
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    const last = text.lastIndexOf('mesg=');
    const count = last === -1 ? undefined : /^mesg=([0-9]+)\D/.exec(text.slice(last));
    if (count) mails = Number(count[1]);
  });
  await pause(300);
  return {
    port,
    count: () => mails,
    reached: (count) => reached(() => mails, count),
    stop: async () => {
      await ended(child);
    },
  };
}

/** A folder that smtp-sink, which gives up root, may write to. */
export function dumpFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'smtp-sink-'));
  chmodSync(folder, 0o777);
  return folder;
}

export const dumpedMails = (folder: string): readonly string[] =>
  readdirSync(folder).map((file) => readFileSync(join(folder, file), 'latin1'));

async function reached(mails: () => number, count: number): Promise<void> {
  let last = mails();
  let since = Date.now();
  while (mails() < count) {
    if (mails() !== last) [last, since] = [mails(), Date.now()];
    if (Date.now() - since > withoutProgress)
      throw new Error(`the sink has ${mails()} of ${count} mails and no more came`);
    await pause(10);
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
