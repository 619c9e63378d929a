import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deliverToMaildir, NoMaildir } from './maildir.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-maildir-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const mail = (forwardPath: string) => ({
  name: 'an-id-0.host',
  reversePath: 'me@example.org',
  forwardPath,
  content: [Buffer.from('Subject: t\r\n'), Buffer.from('\r\nbody\r\n')],
});
const inNew = (): readonly string[] => readdirSync(join(folder, 'you/Maildir/new'));

test('a file in new, nothing left in tmp, for its owner alone', async () => {
  await deliverToMaildir(folder, mail('You@localhost'));
  const file = join(folder, 'you/Maildir/new/an-id-0.host');
  expect(readFileSync(file, 'latin1')).toBe(
    'Return-Path: <me@example.org>\r\nDelivered-To: You@localhost\r\nSubject: t\r\n\r\nbody\r\n',
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'you/Maildir/tmp'))).toEqual([]);
});

test('a delivery that is repeated finds itself done, also when it has been read', async () => {
  await deliverToMaildir(folder, mail('you@localhost'));
  await deliverToMaildir(folder, mail('you@localhost'));
  expect(inNew()).toHaveLength(1);
  renameSync(join(folder, 'you/Maildir/new/an-id-0.host'), join(folder, 'you/Maildir/cur/an-id-0.host:2,S'));
  await deliverToMaildir(folder, mail('you@localhost'));
  expect(inNew()).toEqual([]);
});

test.each([
  '../up@localhost',
  '.@localhost',
  '..@localhost',
  '.hidden@localhost',
  'a/b@localhost',
  '"a b"@localhost',
  '@localhost',
])('%s gets no folder', async (forwardPath) => {
  await expect(deliverToMaildir(folder, mail(forwardPath))).rejects.toThrow(NoMaildir);
  expect(readdirSync(folder)).toEqual([]);
});
