/**
 * Command lines out of files: `…-valid.txt` must be taken, `…-invalid.txt` refused with 501 or 555 (RFC 5321 §4.1.2).
 * `\xNN` is an octet; lines with # are comments.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';

const folder = fileURLToPath(new URL('./syntax/', import.meta.url));
const files = readdirSync(folder).map((file) => ({ file, valid: file.endsWith('-valid.txt') }));

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(async () => {
  await ingress.drain();
});

describe.each(files)('$file', ({ file, valid }) => {
  const lines = readFileSync(folder + file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) =>
      Buffer.from(line)
        .toString('latin1')
        .replace(/\\x([0-9a-f]{2})/g, (_, octet: string) => String.fromCharCode(parseInt(octet, 16))),
    );

  test.each(lines)('%s', async (line) => {
    const client = await greetedClient(ingress.port);
    if (line.toUpperCase().startsWith('RCPT')) await client.command('MAIL FROM:<> SMTPUTF8');
    const { code } = await client.command(line);
    if (valid) expect(code).toBe(250);
    else expect([501, 555]).toContain(code);
    // The session goes on as before.
    expect((await client.command('NOOP')).code).toBe(250);
    client.close();
  });
});
