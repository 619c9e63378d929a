/** Large content, and the many ways in which a session ends. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { greetedClient, RawClient } from './raw-client.js';
import { startIngress } from './running-ingress.js';
import { send, start, transaction, until } from './transactions.js';

describe('large content', () => {
  const large = `${'x'.repeat(998)}\r\n`.repeat(1000);

  test('streams to the spool, trace field first, and its envelope goes to the same shard', async () => {
    const ingress = await start();
    const client = await greetedClient(ingress.port);
    expect(await send(client, large)).toMatch(/^250 /);
    const [mail] = ingress.spool.mails;
    expect(mail?.content).toBeUndefined();
    const { id, sizeInOctets } = mail!.envelope;
    const chunks = ingress.spool.large.get(id)!;
    const content = Buffer.concat(chunks).toString('latin1');
    expect(content).toMatch(/^Received: from /);
    expect(content.endsWith(`\r\n${large}\r\n`)).toBe(true);
    expect(mail?.envelope.large).toMatchObject({ contentId: id, octets: content.length });
    expect(sizeInOctets).toBe(content.length);
    expect(ingress.figures()['contentHeldInOctets']).toBe(0);
    client.close();
  });

  test('waits for a slow spool instead of holding it all', async () => {
    const ingress = await start();
    let held = true;
    ingress.spool.beforeChunk = () => (held ? new Promise((resolve) => setTimeout(resolve, 1)) : undefined);
    const client = await greetedClient(ingress.port);
    const answer = send(client, large.repeat(4));
    await pause(50);
    held = false;
    expect(await answer).toMatch(/^250 /);
    client.close();
  });

  test('that is not stored leaves nothing behind', async () => {
    const ingress = await start();
    ingress.spool.beforeChunk = () => {
      throw new Error('no');
    };
    const client = await greetedClient(ingress.port);
    expect(await send(client, large)).toMatch(/^451 4\.3\.0 /);
    ingress.spool.beforeChunk = () => undefined;
    ingress.spool.commit = () => ({ result: 'full' });
    expect(await send(client, large)).toMatch(/^452 4\.3\.1 /);
    expect(ingress.spool.large.size).toBe(0);
    // Unknown: the envelope may be in the log, so that its content must stay.
    ingress.spool.commit = () => ({ result: 'unknown', text: 'x' });
    expect(await send(client, large)).toMatch(/^451 4\.3\.0 /);
    expect(ingress.spool.large.size).toBe(1);
    client.close();
  });

  test('over the limit is not kept either', async () => {
    const ingress = await start({ config: { limits: { message_size: '500KiB' } } });
    const client = await greetedClient(ingress.port);
    expect(await send(client, large)).toMatch(/^552 5\.3\.4 /);
    await until(() => ingress.spool.large.size === 0);
    client.close();
  });
});

describe('the end', () => {
  test('a client that leaves during DATA leaves nothing behind', async () => {
    const ingress = await start();
    const client = await greetedClient(ingress.port);
    await client.codes(...transaction);
    client.write('x'.repeat(300_000));
    await until(() => ingress.spool.large.size === 1);
    client.close();
    await until(() => ingress.figures()['sessions'] === 0);
    await until(() => ingress.spool.large.size === 0);
    expect(ingress.figures()).toMatchObject({ contentHeldInOctets: 0, sessions: 0 });
    expect(ingress.spool.mails).toEqual([]);
  });

  test('a client that leaves after the final dot loses nothing', async () => {
    const ingress = await start();
    const client = await greetedClient(ingress.port);
    await client.codes(...transaction);
    client.write('x\r\n.\r\n');
    client.halfClose();
    expect((await client.reply()).code).toBe(250);
    expect(await client.rest()).toBe('');
    expect(ingress.spool.mails).toHaveLength(1);
    client.close();
  });

  test('a client that sends all and closes its side gets all replies', async () => {
    const ingress = await start();
    const client = await greetedClient(ingress.port);
    client.write('MAIL FROM:<>\r\nRCPT TO:<c@d.test>\r\nNOOP');
    client.halfClose();
    expect(await client.rest()).toMatch(/^250 2\.1\.0 [^\r]*\r\n250 2\.1\.5 [^\r]*\r\n$/);
    client.close();
  });

  test('shutdown: idle sessions hear 421, mail under way is finished', async () => {
    const ingress = await start();
    const idle = await greetedClient(ingress.port);
    const busy = await greetedClient(ingress.port);
    await busy.codes(...transaction);
    const drained = ingress.drain();
    expect(await idle.rest()).toMatch(/^421 4\.3\.2 mx\.example\.org /);
    busy.write('x\r\n.\r\n');
    expect((await busy.reply()).code).toBe(250);
    expect(await busy.rest()).toMatch(/^421 4\.3\.2 /);
    await drained;
    await expect(RawClient.connect(ingress.port)).rejects.toThrow('ECONNREFUSED');
    expect(ingress.spool.mails).toHaveLength(1);
    idle.close();
    busy.close();
  });

  test('a port that is taken is one clear line', async () => {
    const ingress = await start();
    const listen = [`127.0.0.1:${ingress.port}`];
    const second = startIngress({ config: { listeners: { mx: { role: 'mx', listen } } } });
    await expect(second).rejects.toThrow(
      `listeners.mx.listen: 127.0.0.1:${ingress.port} is taken by another program`,
    );
  });

  test('connecting and leaving leaks nothing', async () => {
    const ingress = await start();
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(ingress.port)));
      clients.forEach((client, n) => {
        if (n % 2 === 0) client.write('EHLO x.example\r\nMAIL FROM:<>\r\n');
        client.close();
      });
    }
    await until(() => ingress.figures()['sessions'] === 0);
    expect(ingress.faults).toEqual([]);
  });
});
