/** What the operator must mend before a start is one clear line each, and an exit code. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandLine, freePort } from '../running-postrider.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-bad-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(
  lines: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const file = join(folder, 'postrider.yaml');
  writeFileSync(file, `${['http: { listen: "" }', ...lines].join('\n')}\n`);
  const child = spawn(process.execPath, [commandLine, 'standalone', '--config', file], {
    env: { ...process.env, ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, output };
}

const listener = (port: number): string => `listeners: { mx: { role: mx, listen: ["127.0.0.1:${port}"] } }`;

test('a key that is unknown, a unit that is missing', async () => {
  const { code, output } = await start(['hostnme: mx.example.org', 'limits: { message_size: 50 }']);
  expect(code).toBe(2);
  expect(output).toMatch(/hostnme.*postrider\.yaml:2|postrider\.yaml:2.*hostnme/);
  expect(output).toMatch(/message_size.*MiB/);
});

test('a port that is taken', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const port = (taken.address() as { port: number }).port;
  const { code, output } = await start([listener(port)]);
  taken.close();
  expect(code).toBe(1);
  expect(output).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*(taken|in use)`));
});

test('a data_dir that can not be made', async () => {
  const file = join(folder, 'a-file');
  writeFileSync(file, '');
  const { code, output } = await start([listener(await freePort()), 'data_dir: ./a-file/var']);
  expect(code).toBe(1);
  expect(output).toContain('data_dir');
});

test('a nats-server that is too old', async () => {
  const old = join(folder, 'old-nats-server');
  writeFileSync(old, '#!/bin/sh\necho "nats-server: v2.9.0"\n');
  chmodSync(old, 0o755);
  const { code, output } = await start([listener(await freePort())], { POSTRIDER_NATS_BINARY: old });
  expect(code).toBe(1);
  expect(output).toMatch(/2\.9\.0.*too old/);
});
