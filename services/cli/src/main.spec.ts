/** How the program ends: with its code at once, whatever is still open, and whoever stops reading. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../bin/postrider.js', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface End {
  readonly code: number | null;
  readonly stderr: string;
}
function run(words: readonly string[], readsOutput = true): Promise<End> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    if (readsOutput) child.stdout.resume();
    else child.stdout.destroy();
    child.once('close', (code) => resolve({ code, stderr }));
  });
}

test('a NATS server that stands still: it takes connections and says nothing', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const server = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const file = join(folder, 'silent.yaml');
  writeFileSync(
    file,
    `hostname: mx.example.org\nlocal: { deliver: "lmtp://127.0.0.1:24" }\nnats: { servers: ["${server}"] }\n`,
  );
  const { code, stderr } = await run(['queue', 'list', '--config', file]);
  silent.close();
  expect(code).toBe(1);
  expect(stderr).toContain(`NATS at ${server} does not answer`);
}, 30_000);

test('who stops reading ends it, without a word', async () => {
  expect(await run(['config', 'show', '--origin'], false)).toEqual({ code: 0, stderr: '' });
});
