/** FUTURERELEASE (RFC 4865) for who submits: what is held, for how long, and what the envelope says of it. */
import { join } from 'node:path';
import { makeUser, writeUsers } from '@postrider/auth';
import { tempFolder, type TempFolder } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';
import { contentOf } from './transactions.js';

let folder: TempFolder;
let ingress: RunningIngress;

beforeAll(async () => {
  folder = tempFolder('postrider-release-');
  writeUsers(join(folder.path, 'users'), [await makeUser('ann@ours.test', 'pass word', [])]);
  const s = { role: 'submissions', listen: ['127.0.0.1:0'] };
  ingress = await startIngress({
    config: { data_dir: folder.path, listeners: { s }, limits: { future_release: '2h' } },
  });
});
afterAll(async () => {
  await ingress.drain();
  folder.remove();
});

test('held as asked, with a priority of her own, and nothing else', async () => {
  const client = await RawClient.connectTls(ingress.port);
  await client.reply();
  const { lines } = await client.command('EHLO client.example');
  expect(lines.find((line) => line.startsWith('FUTURERELEASE'))).toMatch(
    /^FUTURERELEASE 7200 [0-9-]{10}T[0-9:]{8}Z$/,
  );
  const initial = Buffer.from('\0ann@ours.test\0pass word').toString('base64');
  const mail = 'MAIL FROM:<ann@ours.test>';
  const before = Date.now();
  expect(
    await client.codes(
      `AUTH PLAIN ${initial}`,
      `${mail} HOLDFOR=7201`,
      `${mail} HOLDFOR=60 HOLDUNTIL=${new Date().toISOString()}`,
      `${mail} HOLDFOR=60 HOLDFOR=60`,
      `${mail} HOLDFOR=60 BY=30;R`,
      `${mail} HOLDFOR=60 BY=90;R MT-PRIORITY=4`,
      'RCPT TO:<far@away.test>',
      'DATA',
      'From: ann@ours.test\r\n\r\ntext\r\n.',
    ),
  ).toEqual([235, 501, 501, 501, 501, 250, 250, 354, 250]);
  const [held] = ingress.spool.mails;
  const { release, deliverBy, priority } = held?.envelope.scheduling ?? {};
  expect(release).toEqual({ at: expect.any(Number) as number, asked: 'for;60' });
  expect(release?.at).toBeGreaterThanOrEqual(before + 60_000);
  // Each counts from when its parameter was read.
  expect(deliverBy?.at).toBeGreaterThanOrEqual((release?.at ?? 0) + 30_000);
  expect(deliverBy?.at).toBeLessThanOrEqual(Date.now() + 90_000);
  expect(priority).toBe(4);
  expect(contentOf(held)).toMatch(/^Received: [^;]*PRIORITY 4;/);
  client.close();
});
