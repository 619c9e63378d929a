/** What the specs share: a spool over each backend, a real server, and mail to put into it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { mailIdSource, type Envelope, type MailObject, type MailRecord } from '@postrider/mail';
import { startNatsServer, type RunningServer } from '@postrider/nats-server';
import { connectSpool, memorySpool } from '../open.js';
import { connectJetStreamLog } from '../jetstream.js';
import type { Log } from '../log.js';
import { MemoryLog, MemoryStore } from '../memory.js';
import type { OwnerOptions, ShardOwner, Spool, SpooledMail } from '../spool.js';

export interface Backend {
  readonly name: string;
  start(): Promise<void>;
  /** Another process over the same store. */
  spool(maxSizeInOctets?: number): Promise<Spool>;
  log(maxSizeInOctets?: number): Promise<Log>;
  stop(): Promise<void>;
}

const room = 256 * 1024 * 1024;

export function memoryBackend(): Backend {
  let store = new MemoryStore();
  return {
    name: 'memory',
    start: () => {
      store = new MemoryStore();
      return Promise.resolve();
    },
    spool: (maxSizeInOctets = room) => Promise.resolve(memorySpool({ store, maxSizeInOctets })),
    log: (maxSizeInOctets = room) => Promise.resolve(new MemoryLog(store, maxSizeInOctets)),
    stop: () => Promise.resolve(),
  };
}

export interface ServerBackend extends Backend {
  /** The server, for those who kill it. */
  readonly server: RunningServer;
  /** Starts it again on its port, over its store. */
  restart(): Promise<void>;
}

export function jetStreamBackend(): ServerBackend {
  let running: RunningServer | undefined;
  let storeDir = '';
  const server = (): RunningServer => {
    if (!running) throw new Error('not started');
    return running;
  };
  const options = (maxSizeInOctets: number) => ({
    address: server().address,
    name: 'spec',
    replicas: 1,
    maxSizeInOctets,
  });
  return {
    name: 'JetStream',
    get server() {
      return server();
    },
    async start() {
      storeDir = mkdtempSync(join(tmpdir(), 'postrider-spool-'));
      running = await startNatsServer({ storeDir });
    },
    async restart() {
      const { port } = server();
      await server().exited;
      running = await startNatsServer({ storeDir, port });
    },
    spool: (maxSizeInOctets = room) => connectSpool(options(maxSizeInOctets)),
    log: (maxSizeInOctets = room) => connectJetStreamLog(options(maxSizeInOctets)),
    async stop() {
      await running?.stop();
      rmSync(storeDir, { recursive: true, force: true });
    },
  };
}

const nextId = mailIdSource(() => Date.now(), randomBytes(6));

export function mailOf(
  recipients = 1,
  content: Uint8Array = Buffer.from(`Subject: ${Math.random()}\r\n\r\n`),
): MailObject {
  const envelope: Envelope = {
    id: nextId(),
    reversePath: 'sender@example.org',
    recipients: Array.from({ length: recipients }, (_, n) => ({ forwardPath: `user${n}@dest.test` })),
    body: '7BIT',
    sizeInOctets: content.length,
    acceptedAt: Date.now(),
    client: { address: '127.0.0.1', helo: 'client.example', protocol: 'ESMTP' },
    listener: 'mx',
  };
  return { envelope, content };
}

export const ownerOptions = (
  owner = 'one',
): OwnerOptions & { readonly lostBecause: string[]; readonly faults: string[] } => {
  const lostBecause: string[] = [];
  const faults: string[] = [];
  return {
    owner,
    lostBecause,
    faults,
    lost: (reason) => lostBecause.push(reason),
    fault: (text) => faults.push(text),
  };
};

/** The next mails, one at a time; further ones stay in the log. */
/** The only recipient has it. */
export const finalOf = ({ envelope: { id } }: MailObject): MailRecord => ({
  kind: 'relayed',
  id,
  at: 1,
  recipients: [0],
  attempt: 1,
});

export interface MailReader {
  next(): Promise<SpooledMail>;
  take(count: number): Promise<readonly SpooledMail[]>;
}

export function readerOf(owner: ShardOwner): MailReader {
  const mails = owner.mails()[Symbol.asyncIterator]();
  const next = async (): Promise<SpooledMail> => {
    const result: IteratorResult<SpooledMail, unknown> = await mails.next();
    if (result.done === true) throw new Error('no more mail: the owner has let go');
    return result.value;
  };
  return {
    next,
    async take(count) {
      const found: SpooledMail[] = [];
      while (found.length < count) found.push(await next());
      return found;
    },
  };
}

export const diagnostic = { status: '2.0.0', text: '250 2.0.0 Ok' };
