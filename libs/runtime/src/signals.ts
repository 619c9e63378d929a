/** SIGTERM, SIGINT and SIGHUP for a process that ends in order. */
import { isatty } from 'node:tty';

export interface SignalListeners {
  /** The first one: end in order. */
  readonly stop: () => void;
  /** A second one: end at once, with this exit code. */
  readonly quit: (exitCode: number) => void;
  readonly reload: () => void;
}

/** `npm start` passes on a Ctrl-C that the terminal has sent to all already: two signals, one keystroke. */
const sameKeystroke = 200;
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** @returns takes the listeners off again */
export function listenForSignals({ stop, quit, reload }: SignalListeners): () => void {
  const onTerminal = isatty(1);
  let firstAt: number | undefined;
  const ending = (signal: keyof typeof exitCodes): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      stop();
    } else if (now - firstAt > sameKeystroke) quit(exitCodes[signal]);
  };
  const hangUp = (): void => {
    // The terminal was closed: then this signal is its end, not a wish to reload.
    if (onTerminal && !isatty(1)) ending('SIGTERM');
    else reload();
  };
  process.on('SIGTERM', ending);
  process.on('SIGINT', ending);
  process.on('SIGHUP', hangUp);
  return () => {
    process.off('SIGTERM', ending);
    process.off('SIGINT', ending);
    process.off('SIGHUP', hangUp);
  };
}
