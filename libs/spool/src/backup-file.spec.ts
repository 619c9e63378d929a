import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BackupFileWriter, DamagedBackup, decodeBackup, encodeEntry, readBackupFile } from './backup-file.js';
import type { LogMessage } from './log.js';

const head = Buffer.from('PRBK\x01\0\0\0', 'latin1');
const fileOf = (messages: readonly LogMessage[]): Buffer =>
  Buffer.concat([head, ...messages.flatMap(encodeEntry)]);

async function all(pieces: Iterable<Uint8Array>): Promise<readonly LogMessage[]> {
  const found: LogMessage[] = [];
  for await (const { sequence, subject, payload } of decodeBackup(pieces))
    found.push({ sequence, subject, payload: Uint8Array.from(payload) });
  return found;
}

const message = fc.record({
  sequence: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  subject: fc.string({ maxLength: 80 }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

test('what was written is read, however the octets are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 8 }),
      fc.integer({ min: 1, max: 400 }),
      async (messages, cut) => {
        const file = fileOf(messages);
        const pieces: Buffer[] = [];
        for (let at = 0; at < file.length; at += cut) pieces.push(file.subarray(at, at + cut));
        expect(await all(pieces)).toEqual(messages);
      },
    ),
  );
});

test('a changed octet is noticed', async () => {
  await fc.assert(
    fc.asyncProperty(message, fc.nat(), fc.integer({ min: 1, max: 255 }), async (one, where, change) => {
      const file = fileOf([one]);
      // The three octets after the version mean nothing.
      const at = where % file.length;
      fc.pre(at < 5 || at > 7);
      file[at] = (file[at] ?? 0) ^ change;
      await expect(all([file])).rejects.toThrow(DamagedBackup);
    }),
  );
});

test('no octets make it hang or fall', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (octets, headed) => {
      const read = all([headed ? Buffer.concat([head, octets]) : octets]);
      await read.catch((error: unknown) => expect(error).toBeInstanceOf(DamagedBackup));
    }),
  );
});

test('in a file that only its owner may read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-backup-'));
  const path = join(folder, 'SPOOL-0');
  const writer = await BackupFileWriter.create(path);
  const one = { sequence: 7, subject: 'mta.v1.spool.0.segment', payload: Buffer.from('text') };
  await writer.write([one]);
  await writer.close();
  expect([writer.messages, writer.octets]).toEqual([1, 4]);
  const found: LogMessage[] = [];
  for await (const read of readBackupFile(path)) found.push(read);
  expect(found).toEqual([one]);
  await expect(BackupFileWriter.create(path)).rejects.toThrow('EEXIST');
  rmSync(folder, { recursive: true });
});
