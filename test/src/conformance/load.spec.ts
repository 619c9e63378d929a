/** Many sessions at once, slow ones beside fast ones, and storms: on one process, whose memory is looked at. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { tempFolder, type TempFolder } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { greetedClient, RawClient } from './raw-client.js';
import { startIngressProcess, type IngressFigures, type IngressProcess } from './running-ingress-process.js';

const mebi = 1024 * 1024;
let folder: TempFolder;
let ingress: IngressProcess;
beforeAll(async () => {
  folder = tempFolder('postrider-load-');
  ingress = await startIngressProcess({
    data_dir: folder.path,
    relay: { networks: ['127.0.0.0/8'] },
    listeners: { mx: { listen: ['127.0.0.1:0'] } },
  });
});
afterAll(async () => {
  await ingress.stop();
  folder.remove();
});

const port = (): number => ingress.ports[0] ?? 0;
const mail = ['MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>', 'DATA', 'text\r\n.'];

/** In groups, as many as a backlog holds. */
async function inGroups<T>(count: number, begin: (n: number) => Promise<T>): Promise<T[]> {
  const group = 200;
  const all: T[] = [];
  for (let from = 0; from < count; from += group)
    all.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(group, count - from) }, (_, n) => begin(from + n)),
      )),
    );
  return all;
}

async function settled(): Promise<IngressFigures> {
  for (;;) {
    const figures = await ingress.figures();
    if (figures.sessions === 0) return figures;
    await pause(50);
  }
}

test('5,000 sessions open at once, each of them served', async () => {
  const before = await ingress.figures();
  const thousand = await inGroups(1000, () => greetedClient(port()));
  const withThousand = await ingress.figures();
  const clients = [...thousand, ...(await inGroups(4000, () => greetedClient(port())))];
  const open = await ingress.figures();
  expect(open.sessions).toBe(5000);
  for (const line of mail) {
    const codes = await inGroups(clients.length, async (n) => (await clients[n]!.command(line)).code);
    expect(new Set(codes)).toEqual(new Set([line === 'DATA' ? 354 : 250]));
  }
  expect((await ingress.figures()).mails - before.mails).toBe(5000);
  // DESIGN §7: under 200 MB with a thousand that are idle; five thousand take no more each.
  expect(withThousand.residentInOctets).toBeLessThan(200 * mebi);
  expect(open.usedInOctets - before.usedInOctets).toBeLessThan(5000 * 24 * 1024);
  for (const client of clients) client.close();
  const after = await settled();
  expect(after.handles).toBe(before.handles);
  expect(after.faults).toEqual([]);
});

test('who sends an octet a second keeps nobody waiting, and is served in the end', async () => {
  const slow = await inGroups(200, () => greetedClient(port()));
  let othersAreThrough = false;
  const through = slow.map(async (client) => {
    client.write('NOOP ');
    for (let octets = 0; octets < 5 || !othersAreThrough; octets++) {
      client.write('x');
      await pause(1000);
    }
    expect(client.unread).toBe('');
    const { code } = await client.command('');
    client.close();
    return code;
  });
  const codes = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const client = await greetedClient(port());
      const all: number[] = [];
      for (let n = 0; n < 20; n++) all.push(...(await client.codes(...mail)));
      client.close();
      return all;
    }),
  );
  expect(codes.flat().filter((code) => code !== 250 && code !== 354)).toEqual([]);
  othersAreThrough = true;
  expect(new Set(await Promise.all(through))).toEqual(new Set([250]));
  await settled();
});

/** Ways to leave. */
const departures: readonly ((n: number) => Promise<void>)[] = [
  // Before the banner.
  async () => {
    const socket = connect(port(), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    reset(socket);
  },
  async () => (await RawClient.connect(port())).close(),
  async () => {
    const client = await greetedClient(port());
    await client.command('QUIT');
    await client.rest();
    client.close();
  },
  // In the middle of a line, of a mail, of a chunk.
  async () => abandon('MAIL FR'),
  async () => abandon(`${mail.slice(0, 3).join('\r\n')}\r\n`),
  async () => {
    const client = await greetedClient(port());
    await client.codes(...mail.slice(0, 3));
    client.write('x'.repeat(3000));
    client.close();
  },
  async () => abandon('MAIL FROM:<>\r\nRCPT TO:<c@d.test>\r\nBDAT 1000\r\nxyz'),
  // In the handshake, before and within.
  async () => {
    const client = await greetedClient(port());
    await client.command('STARTTLS');
    client.write('\x16\x03\x01\x02\x00');
    client.close();
  },
  async (n) => {
    const client = await greetedClient(port());
    await client.command('STARTTLS');
    await client.startTls();
    if (n % 2 === 0) await client.command('EHLO client.example');
    client.close();
  },
  async () => {
    const client = await greetedClient(port());
    client.halfClose();
    await client.rest();
    client.close();
  },
];

const reset = (socket: Socket): void => void socket.resetAndDestroy();

async function abandon(said: string): Promise<void> {
  const client = await greetedClient(port());
  client.write(said);
  client.close();
}

const storm = (connections: number): Promise<unknown> =>
  inGroups(connections, (n) => departures[n % departures.length]!(n));

test('storms of clients that come and go leave nothing', async () => {
  const together = 1000;
  // What a first time costs is no leak.
  await storm(together);
  const before = await settled();
  const growth: number[] = [];
  let last = before;
  for (let round = 0; round < 4; round++) {
    await storm(together);
    const now = await settled();
    growth.push(now.usedInOctets - last.usedInOctets);
    last = now;
  }
  expect(last.handles).toBe(before.handles);
  expect(last.contentHeldInOctets).toBe(0);
  expect(last.largeContents).toBe(0);
  expect(last.faults).toEqual([]);
  // A leak grows with every storm; what a collection has not got to yet does not.
  expect(Math.min(...growth), `octets a storm: ${growth.join(', ')}`).toBeLessThan(together * 100);
});
