/** Logs by pino to standard output: JSON a line, or readable lines on a terminal. */
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import type { Config } from './config/schema.js';
import type { Logger } from './service.js';

export interface LeveledLogger extends Logger {
  setLevel(level: Config['log']['level']): void;
}

/** @param base facts of every line: the process's instance */
export function createLogger({ level, format }: Config['log'], base: object): LeveledLogger {
  const asText = format === 'text' || (format === 'auto' && process.stdout.isTTY);
  const options = {
    level,
    base,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Synchronous: the last line before an exit is the one that matters.
  const logger = pino(options, asText ? readable : pino.destination({ dest: 1, sync: true }));
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

/** `09:30:12.345 queue-manager: shard taken (shard 0, epoch 12)`; the instance is the process before the reader's eyes. */
const readable: DestinationStream = {
  write(line: string) {
    process.stdout.write(`${readableLine(line)}\n`);
  },
};

export function readableLine(line: string): string {
  const { level, time, msg, service, instance, ...facts } = JSON.parse(line) as Record<string, unknown>;
  void instance;
  const loud = level === 'warn' || level === 'error' ? `${String(level)}: ` : '';
  const rest = Object.entries(facts).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const behind = rest.length === 0 ? '' : ` (${rest.join(', ')})`;
  return `${String(time).slice(11, 23)} ${typeof service === 'string' ? service : 'postrider'}: ${loud}${String(msg)}${behind}`;
}
