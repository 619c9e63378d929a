/** The official release: pinned version, checked against the release's own SHA256SUMS. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { install, type FetchTarget } from './install.js';
import { inOneLine } from './one-line.js';
import { pinnedVersion } from './version.js';

const releases = 'https://github.com/nats-io/nats-server/releases/download';
/** A host that can't be reached must cost seconds, not minutes. */
const sumsWithin = 5_000;
/** Some 7 MB. */
const archiveWithin = 120_000;

/** @throws an error in one line; nothing is left behind then */
export async function fetchRelease({ target, progress }: FetchTarget): Promise<void> {
  const name = `nats-server-v${pinnedVersion}-${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  progress(`fetching nats-server ${pinnedVersion} from ${releases}`);
  const expected = checksumOf(`${name}.tar.gz`, (await get('SHA256SUMS', sumsWithin)).toString('utf8'));
  if (expected === undefined) throw new Error(`the release has no ${name}.tar.gz in its SHA256SUMS`);
  const archive = await get(`${name}.tar.gz`, archiveWithin);
  const found = createHash('sha256').update(archive).digest('hex');
  if (found !== expected)
    throw new Error(`${name}.tar.gz has the checksum ${found}, its release says ${expected}: not used`);
  const folder = await mkdtemp(join(tmpdir(), 'postrider-nats-'));
  try {
    await writeFile(join(folder, 'release.tar.gz'), archive);
    await promisify(execFile)('tar', ['-xzf', 'release.tar.gz'], { cwd: folder });
    await install(join(folder, name, 'nats-server'), target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A line of SHA256SUMS: the checksum, two characters, the name. */
export function checksumOf(file: string, sums: string): string | undefined {
  for (const line of sums.split('\n')) {
    const match = /^([0-9a-f]{64}) [ *](\S+)$/.exec(line.trimEnd());
    if (match?.[2] === file) return match[1];
  }
  return undefined;
}

async function get(file: string, within: number): Promise<Buffer> {
  const url = `${releases}/v${pinnedVersion}/${file}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(within) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    throw new Error(`${url}: ${inOneLine(error)}`, { cause: error });
  }
}
