/**
 * A stream whose write has failed once (a full disk, a bad one) takes no more until the server starts again: from 2.15 on
 * its publishes are not even answered. The server says so in its log, once; nothing on its API does.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';

export interface WriteErrorWatch {
  stop(): void;
}

/** `[ERR] Filestore [SPOOL-0] Critical write error: write …: no space left on device` */
const criticalWriteError = /\[ERR\] (Filestore \[.*\] Critical write error: .*)$/;

const lookEvery = 1_000;
/** The log is small; more at once is a flood in which the first line is enough. */
const mostAtOnceInOctets = 256 * 1024;

/**
 * Looks at what is written to the log from now on.
 * @param found called at each such error, with the server's words
 */
export function watchForWriteErrors(logFile: string, found: (text: string) => void): WriteErrorWatch {
  let offset = sizeOf(logFile);
  const timer = setInterval(() => {
    const size = sizeOf(logFile);
    // Smaller: the server began a new file.
    if (size < offset) offset = 0;
    if (size === offset) return;
    const text = readFrom(logFile, offset, Math.min(size - offset, mostAtOnceInOctets));
    offset = size;
    for (const line of text.split('\n')) {
      const error = criticalWriteError.exec(line)?.[1];
      if (error !== undefined) found(error);
    }
  }, lookEvery);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

function readFrom(file: string, offset: number, length: number): string {
  const octets = Buffer.alloc(length);
  const handle = openSync(file, 'r');
  try {
    return octets.toString('utf8', 0, readSync(handle, octets, 0, length, offset));
  } finally {
    closeSync(handle);
  }
}
