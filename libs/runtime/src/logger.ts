/** Logs by pino to standard output: JSON a line, or readable lines on a terminal. */
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import type { Config } from './config/schema.js';
import type { Logger } from './service.js';

export interface LeveledLogger extends Logger {
  setLevel(level: Config['log']['level']): void;
}

/** @param base facts of every line: which process it is */
export function createLogger({ level, format }: Config['log'], base: object): LeveledLogger {
  const asText = format === 'text' || (format === 'auto' && process.stdout.isTTY);
  const options = {
    level,
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const output = batchedOutput();
  const logger = pino(options, asText ? readableOn(output) : output);
  return {
    ...wrap(logger),
    setLevel: (next) => {
      logger.level = next;
    },
  };
}

const wrap = (logger: PinoLogger): Logger => ({
  debug: (facts, text) => logger.debug(facts, text),
  info: (facts, text) => logger.info(facts, text),
  warn: (facts, text) => logger.warn(facts, text),
  error: (facts, text) => logger.error(facts, text),
  child: (facts) => wrap(logger.child(facts)),
});

/** Held back at most, octets; what is more is written at once. */
const heldBack = 8 * 1024;

/**
 * Standard output with one write for all lines of a turn of the event loop: a line for each mail must not cost a system
 * call for each mail. The write is synchronous, so that an exit loses nothing; a crash loses the lines of its turn.
 */
function batchedOutput(): DestinationStream {
  const output = pino.destination({ dest: 1, sync: true, minLength: heldBack });
  let due = false;
  const flush = (): void => {
    due = false;
    output.flush();
  };
  process.on('exit', flush);
  return {
    write(line: string) {
      output.write(line);
      if (due) return;
      due = true;
      setImmediate(flush);
    },
  };
}

const readableOn = (output: DestinationStream): DestinationStream => ({
  write: (line: string) => output.write(`${readableLine(line)}\n`),
});

interface LogRecord {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly service?: string;
  readonly [fact: string]: unknown;
}

/** `09:30:12.345 queue-manager: shard taken (shard 0, epoch 12)`; which process it is does not matter to a reader. */
export function readableLine(line: string): string {
  const { level, time, msg, service = 'postrider', ...rest } = JSON.parse(line) as LogRecord;
  const facts = Object.entries(rest)
    .filter(([key]) => key !== 'pid')
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const loud = level === 'warn' || level === 'error' ? `${level}: ` : '';
  const behind = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
  return `${time.slice(11, 23)} ${service}: ${loud}${msg}${behind}`;
}
