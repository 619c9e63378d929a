/**
 * One lifecycle for all services: `run(service)` reads the configuration, connects, starts, publishes the gauge,
 * answers signals, drains.
 */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import type { Spool } from '@postrider/spool';
import type { Config } from './config/schema.js';
import type { Page } from './http/server.js';

export interface ServiceDefinition {
  readonly name: string;
  /** Starts and takes work; throws StartError for what the operator must mend (port taken, no permission). */
  start(context: ServiceContext): Promise<RunningService>;
}

export interface RunningService {
  /** The service's own figures for `mta.status.<service>.<instance>`, taken every second. */
  figures(): Readonly<Record<string, unknown>>;
  /** Its own pages on the process's HTTP port; undefined leaves the path to the process. */
  page?(path: string): Page | Promise<Page> | undefined;
  /** What the service listens on, for the start messages: `smtp 127.0.0.1:2525`. */
  readonly listening?: readonly string[];
  /** The configuration changed; only keys marked hot differ in what the service reads anew. */
  reconfigured?(config: Config): void;
  /** No new work; finish what is under way; resolves when all is written. Cut off at `shutdown_timeout`. */
  drain(): Promise<void>;
}

export interface ServiceContext {
  readonly config: Config;
  readonly bus: Bus;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Logger;
  /** Processes before this one that have surely ended, by instance name; absent: of none it is known. */
  readonly endedInstances?: readonly string[];
  /** A fault that this process can't go on with: logged, drained as far as it goes, exit 1. */
  readonly fatal: (fault: unknown) => void;
}

/** Facts first, then a sentence: `log.info({ shard }, 'shard taken')`. Never content, never secrets. */
export interface Logger {
  debug(facts: object, text: string): void;
  info(facts: object, text: string): void;
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
  child(facts: object): Logger;
}

/** What the operator must mend before a start can succeed; printed as one line, exit 1. */
export class StartError extends Error {}
