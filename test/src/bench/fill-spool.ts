/**
 * Deferred mails by the spool's own contract instead of SMTP: the same segments, moves and records in the same streams as
 * queue-manager writes, in a fraction of the time. Postrider is stopped meanwhile; its nats-server is started for it.
 */
import { randomBytes } from 'node:crypto';
import { mailIdSource, type MailObject } from '@postrider/mail';
import { findNatsServer, readConnection, startOwnServer } from '@postrider/nats-server';
import { connectSpool, type ShardOwner, type Spool, type SpoolWriter } from '@postrider/spool';

export interface SpoolFill {
  /** Postrider's, which ran there before and does not now. */
  readonly dataDir: string;
  readonly mails: number;
  readonly maxSizeInOctets: number;
  readonly sizeInOctets: number;
  readonly recipient: (number: number) => string;
  readonly progress: (deferred: number) => void;
}

const shard = '0';
/** Under way at once: some segments, and bundles of contents as large as they get. */
const together = 2_000;
const nextTry = 24 * 3_600_000;
const diagnostic = { status: '4.4.1', text: 'connect ECONNREFUSED 127.0.0.1:25', remoteMta: '127.0.0.1' };

/** @throws when the server can't be started, or takes no more */
export async function fillSpool(options: SpoolFill): Promise<void> {
  const { binary } = await findNatsServer({ fetch: false });
  // The size that it had is kept.
  const server = await startOwnServer({ dataDir: options.dataDir, binary, maxFileStoreInOctets: 0 });
  try {
    const address = readConnection(options.dataDir) ?? server.address;
    const { maxSizeInOctets } = options;
    const spool = await connectSpool({ address, name: 'bench', replicas: 1, maxSizeInOctets });
    await fillOver(spool, options);
    await spool.close();
  } finally {
    await server.stop();
  }
}

async function fillOver(spool: Spool, options: SpoolFill): Promise<void> {
  const fault = (text: string): never => {
    throw new Error(text);
  };
  const owner = await spool.own(shard, { owner: 'bench', lost: fault, fault });
  const writer = spool.writer({ shards: [shard], committed: () => owner.wake() });
  const source = mailsOf(options);
  const live = owner.mails()[Symbol.asyncIterator]();
  for (let done = 0; done < options.mails; done += together) {
    const count = Math.min(together, options.mails - done);
    await commit(writer, Array.from({ length: count }, source));
    const deferred: Promise<void>[] = [];
    for (let n = 0; n < count; n++) {
      const { value } = await live.next();
      if (value === undefined) throw new Error('the log ended');
      deferred.push(defer(owner, value.mail));
    }
    await Promise.all(deferred);
    options.progress(done + count);
  }
  await owner.close();
}

async function commit(writer: SpoolWriter, mails: readonly MailObject[]): Promise<void> {
  const results = await Promise.all(mails.map((mail) => writer.commit(mail)));
  const refused = results.find(({ result }) => result !== 'committed');
  if (refused) throw new Error(`the spool says ${refused.result}`);
}

function defer(owner: ShardOwner, mail: MailObject): Promise<void> {
  const { id } = mail.envelope;
  const at = Date.now();
  return owner.defer(mail, [
    { kind: 'deferred', id, at, recipients: [0], attempt: 1, until: at + nextTry, diagnostic },
  ]);
}

/** As smtp-ingress makes them. */
function mailsOf({ recipient, sizeInOctets }: SpoolFill): () => MailObject {
  const nextId = mailIdSource(Date.now, randomBytes(6));
  const line = `${'x'.repeat(76)}\r\n`;
  const content = Buffer.from(line.repeat(Math.ceil(sizeInOctets / line.length)), 'latin1');
  let number = 0;
  return () => ({
    envelope: {
      id: nextId(),
      acceptedAt: Date.now(),
      reversePath: 'a@bench.test',
      recipients: [{ forwardPath: recipient(number++) }],
      body: '7BIT',
      sizeInOctets: content.length,
      client: { address: '127.0.0.1', helo: 'bench.test', protocol: 'ESMTP' },
      listener: 'mx',
    },
    content,
  });
}
