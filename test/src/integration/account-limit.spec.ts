/**
 * The limit of the NATS account used up by somebody else: new mail hears 452, outcomes wait until there is room, and
 * nothing that was delivered comes again.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mailIdSource, type MailObject, type MailRecord } from '@postrider/mail';
import { connectNats, findNatsServer, serverSettings } from '@postrider/nats-server';
import { connectSpool, type Spool } from '@postrider/spool';
import { ChildUnderTest, freePort, tempFolder, waitFor } from '@postrider/testing';

const newId = mailIdSource(() => Date.now(), randomBytes(6));

function mailOf(octets: number): MailObject {
  const envelope = {
    id: newId(),
    reversePath: 'sender@example.org',
    recipients: [{ forwardPath: 'to@dest.test' }],
    body: '7BIT',
    sizeInOctets: octets,
    acceptedAt: Date.now(),
    client: { address: '127.0.0.1', helo: 'client.example', protocol: 'ESMTP' },
    listener: 'mx',
  } as const;
  return { envelope, content: randomBytes(octets) };
}

const finalOf = ({ envelope: { id } }: MailObject): MailRecord => ({
  kind: 'relayed',
  id,
  at: 1,
  recipients: [0],
  attempt: 1,
});

/** Takes the shard over and reads all that is live. */
async function ownerOf(spool: Spool) {
  const owner = await spool.own('0', { owner: 'spec', lost: () => undefined, fault: () => undefined });
  const ids: string[] = [];
  void (async () => {
    for await (const { mail } of owner.mails()) ids.push(mail.envelope.id);
  })();
  await expect.poll(() => owner.figures()['replaying'], { timeout: 10_000 }).toBe(0);
  return { owner, ids };
}

const folder = tempFolder('postrider-account-');
let server: ChildUnderTest;
let address: { readonly servers: readonly string[] };

beforeAll(async () => {
  const storeDir = join(folder.path, 'store');
  mkdirSync(storeDir);
  const port = await freePort();
  const file = join(folder.path, 'nats-server.conf');
  const limits = `max_file: ${64 * 1024 * 1024}, max_memory: ${64 * 1024 * 1024}`;
  writeFileSync(
    file,
    [
      serverSettings({ storeDir, logFile: join(folder.path, 'server.log'), port }),
      `accounts { MAIL { jetstream { ${limits} }, users: [ { user: mail, password: mail } ] } }`,
      'no_auth_user: mail',
    ].join('\n'),
  );
  const { binary } = await findNatsServer({ fetch: true });
  server = new ChildUnderTest({ command: binary, args: ['--config', file] });
  await server.start();
  address = { servers: [`127.0.0.1:${port}`] };
  const up = async (): Promise<boolean> => {
    const connection = await connectNats(address, 'spec').catch(() => undefined);
    await connection?.close();
    return connection !== undefined;
  };
  await waitFor(up, 20_000, 'the server to take connections');
});
afterAll(async () => {
  await server.stop();
  folder.remove();
});

test('used up by somebody else: 452 for new mail, outcomes wait, and nothing comes again', async () => {
  const spool = await connectSpool({
    address,
    name: 'spec',
    replicas: 1,
    maxSizeInOctets: 32 * 1024 * 1024,
  });
  await spool.prepare(['0']);
  const writer = spool.writer({ shards: ['0'] });
  const mails = Array.from({ length: 10 }, () => mailOf(20_000));
  for (const mail of mails) expect(await writer.commit(mail)).toMatchObject({ result: 'committed' });
  const { owner } = await ownerOf(spool);

  const connection = await connectNats(address, 'other');
  const manager = await connection.jetstreamManager();
  await manager.streams.add({ name: 'OTHER', subjects: ['other'] });
  const stream = connection.jetstream();
  for (let size = 900_000; size >= 1; size = Math.floor(size / 4))
    for (;;) if (!(await stream.publish('other', randomBytes(size)).catch(() => undefined))) break;

  expect(await writer.commit(mailOf(20_000))).toEqual({ result: 'full' });
  expect(writer.room()).toBe('full');
  let done = false;
  const written = owner.record(mails.map(finalOf)).then(() => (done = true));
  await expect.poll(() => owner.unwrittenFor(), { timeout: 5_000 }).toBeGreaterThan(1_000);
  expect(done).toBe(false);
  const late = mailOf(100);
  await manager.streams.delete('OTHER');
  await written;
  await owner.close();
  await expect.poll(() => writer.room(), { timeout: 5_000 }).toBe('ok');
  expect(await writer.commit(late)).toMatchObject({ result: 'committed' });
  const next = await ownerOf(spool);
  expect(next.ids).toEqual([late.envelope.id]);
  await next.owner.close();
  await connection.close();
  await spool.close();
}, 60_000);
