/** The official release: pinned version, checked against the release's own SHA256SUMS. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { install, type FetchTarget } from './install.js';
import { pinnedVersion } from './version.js';

/** A host that can't be reached must cost seconds, not minutes. */
const answerWithin = 5_000;
const downloadWithin = 120_000;

const releases = 'https://github.com/nats-io/nats-server/releases/download';

export async function fetchRelease({ target, progress }: FetchTarget): Promise<void> {
  const name = `nats-server-v${pinnedVersion}-${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  progress(`fetching nats-server ${pinnedVersion}: the official release`);
  const sums = (await get('SHA256SUMS', answerWithin)).toString('utf8');
  const expected = new RegExp(`^([0-9a-f]{64}) [ *]${name.replaceAll('.', '\\.')}\\.tar\\.gz$`, 'm').exec(sums)?.[1];
  if (expected === undefined) throw new Error(`the release has no ${name}.tar.gz in its SHA256SUMS`);
  const archive = await get(`${name}.tar.gz`, downloadWithin);
  const found = createHash('sha256').update(archive).digest('hex');
  if (found !== expected) throw new Error(`${name}.tar.gz has another checksum (${found}) than its release says`);
  const folder = await mkdtemp(join(tmpdir(), 'postrider-nats-'));
  try {
    await writeFile(join(folder, 'release.tar.gz'), archive);
    await promisify(execFile)('tar', ['-xzf', 'release.tar.gz'], { cwd: folder });
    await install(join(folder, name, 'nats-server'), target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function get(file: string, within: number): Promise<Buffer> {
  const url = `${releases}/v${pinnedVersion}/${file}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(within) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    throw new Error(`${url}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
