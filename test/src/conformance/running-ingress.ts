/**
 * smtp-ingress alone, over a real socket, with a bus in memory and a spool that only remembers: what it would have
 * accepted can be looked at, and the spool's answers can be chosen.
 */
import { systemClock } from '@postrider/actor';
import { memoryBus, type MemoryBus } from '@postrider/bus';
import type { LargeContent, MailObject } from '@postrider/mail';
import { aliasExpander, type ResolveAnswer } from '@postrider/protocol';
import { configSchema, type Config, type Logger } from '@postrider/runtime';
import { service } from '@postrider/smtp-ingress';
import type {
  CommitResult,
  LargeContentWriter,
  MailToCommit,
  Spool,
  SpoolWriter,
  WriterOptions,
} from '@postrider/spool';

export interface RunningIngress {
  /** Of the first listener. */
  readonly port: number;
  /** One for each address that is listened on, in the order of the configuration. */
  readonly ports: readonly number[];
  readonly bus: MemoryBus;
  readonly spool: RememberedSpool;
  /** Faults that were logged: sessions that ended by one. */
  readonly faults: readonly unknown[];
  figures(): Readonly<Record<string, unknown>>;
  drain(): Promise<void>;
}

export interface IngressOptions {
  /** Over the defaults, as in a configuration file. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What alias-expander answers; everybody is local without it. */
  readonly resolve?: (forwardPath: string) => ResolveAnswer | Promise<ResolveAnswer>;
  /** Takes each committed mail in the place of `mails`, which then stays empty: for more of them than memory holds. */
  readonly committed?: (mail: MailObject) => void;
}

/** The spool's side of the contract, as far as ingress uses it. */
export interface RememberedSpool {
  readonly mails: MailObject[];
  /** Chunks by content id; absent again when abandoned. */
  readonly large: Map<string, Buffer[]>;
  room: 'ok' | 'full' | 'away';
  /** Answers the next commits; the default commits. */
  commit: (mail: MailObject) => CommitResult | Promise<CommitResult>;
  /** Called before a chunk is taken; may wait or throw. */
  beforeChunk: () => void | Promise<void>;
}

export async function startIngress(options: IngressOptions = {}): Promise<RunningIngress> {
  const bus = memoryBus();
  const resolve = options.resolve ?? ((): ResolveAnswer => ({ result: 'local' }));
  await bus.host(aliasExpander, () => ({
    handlers: { resolve: ({ forwardPath }) => resolve(forwardPath), page: () => ({ result: 'unknown' }) },
  }));
  const spool = rememberedSpool();
  const faults: unknown[] = [];
  const running = await service.start({
    config: configOf(options.config),
    bus,
    spool: asSpool(spool, options.committed ?? ((mail) => spool.mails.push(mail))),
    clock: systemClock,
    log: loggerInto(faults),
    fatal: (fault) => faults.push(fault),
  });
  const ports = (running.listening ?? []).map((address) => Number(address.split(':').at(-1)));
  return {
    port: ports[0] ?? 0,
    ports,
    bus,
    spool,
    faults,
    figures: () => running.figures(),
    drain: () => running.drain(),
  };
}

function configOf(config: IngressOptions['config']): Config {
  return configSchema.parse({
    hostname: 'mx.example.org',
    listeners: { mx: { role: 'mx', listen: ['127.0.0.1:0'], tls: { mode: 'off' } } },
    relay: { networks: [] },
    ...config,
  });
}

function loggerInto(faults: unknown[]): Logger {
  const silent = (): void => undefined;
  const logger: Logger = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (facts) => faults.push(facts),
    child: () => logger,
  };
  return logger;
}

function rememberedSpool(): RememberedSpool {
  const spool: RememberedSpool = {
    mails: [],
    large: new Map(),
    room: 'ok',
    commit: () => ({ result: 'committed', shard: '0', sequence: spool.mails.length }),
    beforeChunk: () => undefined,
  };
  return spool;
}

function asSpool(spool: RememberedSpool, keep: (mail: MailObject) => void): Spool {
  const notHere = (): never => {
    throw new Error('smtp-ingress has no business with this');
  };
  return {
    writer: (options) => writerInto(spool, keep, options),
    prepare: notHere,
    spreadLeaders: notHere,
    shards: notHere,
    own: notHere,
    leases: notHere,
    largeContent: notHere,
    close: notHere,
  };
}

function writerInto(
  spool: RememberedSpool,
  keep: (mail: MailObject) => void,
  options: WriterOptions,
): SpoolWriter {
  return {
    shard: '0',
    room: () => spool.room,
    drained: () => Promise.resolve(),
    figures: () => ({}),
    beginLarge: (contentId) => largeInto(spool, contentId),
    async commit(committed) {
      const mail = wholeOf(committed);
      const result = await spool.commit(mail);
      if (result.result === 'committed') {
        keep(mail);
        options.committed?.(result.shard, result.sequence, 1);
      }
      return result;
    },
  };
}

const wholes = new WeakMap<object, Buffer>();

/** Parts of a mail that share the pieces of its content share the whole. */
function wholeOf({ envelope, content }: MailToCommit): MailObject {
  if (content === undefined) return { envelope };
  const whole = wholes.get(content) ?? Buffer.concat([content].flat());
  wholes.set(content, whole);
  return { envelope, content: whole };
}

function largeInto(spool: RememberedSpool, contentId: string): LargeContentWriter {
  const chunks: Buffer[] = [];
  spool.large.set(contentId, chunks);
  return {
    shard: '0',
    gathersInOctets: 64 * 1024,
    async write(chunk) {
      await spool.beforeChunk();
      chunks.push(Buffer.from(chunk));
    },
    finish(): Promise<LargeContent> {
      const octets = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      return Promise.resolve({ chunks: chunks.length, octets, sha256: '', contentId });
    },
    abandon() {
      spool.large.delete(contentId);
      return Promise.resolve();
    },
  };
}
