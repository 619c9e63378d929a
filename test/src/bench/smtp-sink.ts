/** Postfix' smtp-sink as the next hop: it counts mails and does nothing else, so it costs the same for all peers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
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

export async function startSmtpSink(port: number): Promise<CountingSink> {
  const user = process.getuid?.() === 0 ? ['-u', 'postfix'] : [];
  const child = spawn('smtp-sink', [...user, '-c', `127.0.0.1:${port}`, '1024'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
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
