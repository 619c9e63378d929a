import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema, selfSigned } from '@postrider/runtime';
import { afterAll, expect, test } from 'vitest';
import { checkCertificates } from './certificates.js';

const folder = mkdtempSync(join(tmpdir(), 'postrider-certificates-'));
afterAll(() => rmSync(folder, { recursive: true }));

function findings(hostname: string, days: number, name = 'mx.example.org') {
  const file = join(folder, `${name}-${days}.pem`);
  writeFileSync(file, selfSigned([name], days).cert);
  return checkCertificates(configWith(hostname, file), Date.now());
}

const configWith = (hostname: string, file: string) =>
  configSchema.parse({
    hostname,
    listeners: { mx: { listen: ['127.0.0.1:25'], tls: { certificate_file: file, key_file: 'k' } } },
  });

test.each([
  ['mx.example.org', 90, 'ok', /^(89|90) days left$/],
  ['mx.example.org', 9, 'wrong', / [89] days left$/],
  ['other.example', 90, 'wrong', /is for DNS:mx\.example\.org, not other\.example$/],
] as const)('for %s, %i days: %s', async (hostname, days, result, text) => {
  const [finding] = await findings(hostname, days);
  expect(finding).toMatchObject({ check: `certificate of ${hostname}`, result });
  expect(finding?.text).toMatch(text);
});

test('a file that is not here, as in a worker, is neither good nor bad', async () => {
  const [finding] = await checkCertificates(configWith('mx.example.org', '/nowhere'), 0);
  expect(finding?.result).toBe('unknown');
});

test('no file is configured: nothing to tell', async () => {
  expect(await checkCertificates(configSchema.parse({}), 0)).toEqual([]);
});
