/**
 * Debian's package from the mirror this machine already uses: lists and package in a temporary folder, unpacked
 * without being installed, so root is not needed and the system stays as it is.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { install, type FetchTarget } from './install.js';
import { isAtLeast, oldestVersion, versionOf } from './version.js';

/** Newest first: stable releases carry servers without group commit. */
const suites = ['sid', 'trixie'];
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const run = promisify(execFile);
/** The lists of a suite are some 10 MB. */
const fetchWithin = 180_000;

export async function fetchFromDebian({ target, progress }: FetchTarget): Promise<void> {
  const mirror = await mirrorOfThisMachine();
  if (mirror === undefined || !existsSync(keyring)) throw new Error("Debian's archive: this machine names no mirror of it");
  const failures: string[] = [];
  for (const suite of suites) {
    progress(`fetching nats-server: Debian's package from ${suite}`);
    const folder = await mkdtemp(join(tmpdir(), 'postrider-nats-'));
    try {
      const binary = await unpack(folder, mirror, suite);
      const version = await versionOf(binary);
      if (version === undefined || !isAtLeast(version, oldestVersion)) throw new Error(`it is ${version ?? 'no server'}`);
      await install(binary, target);
      return;
    } catch (error) {
      failures.push(`${suite}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  throw new Error(`Debian's archive: ${failures.join(', ')}`);
}

async function unpack(folder: string, mirror: string, suite: string): Promise<string> {
  for (const name of ['lists/partial', 'cache/archives/partial', 'package'])
    await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const settings = [
    `Dir::Etc::sourcelist=${folder}/sources.list`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${folder}/lists`,
    `Dir::Cache=${folder}/cache`,
    // The temporary folder is ours alone; apt's own user could not write there.
    `APT::Sandbox::User=root`,
    'Acquire::http::Timeout=20',
  ].flatMap((setting) => ['-o', setting]);
  await run('apt-get', [...settings, 'update'], { timeout: fetchWithin });
  await run('apt-get', [...settings, 'download', 'nats-server'], { cwd: folder, timeout: fetchWithin });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error('no package came');
  await run('dpkg', ['-x', join(folder, archive), join(folder, 'package')]);
  return join(folder, 'package/usr/sbin/nats-server');
}

/** The first mirror of Debian's main archive in apt's own settings, one-line or deb822 form. */
async function mirrorOfThisMachine(): Promise<string | undefined> {
  const parts = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(existsSync(parts) ? await readdir(parts) : []).map((name) => join(parts, name))];
  for (const file of files) {
    const text = existsSync(file) ? await readFile(file, 'utf8') : '';
    const mirror = mirrorIn(text);
    if (mirror !== undefined) return mirror;
  }
  return undefined;
}

/** @param text a sources.list or a .sources file */
export function mirrorIn(text: string): string | undefined {
  const line = /^deb\s+(?:\[[^\]]*\]\s+)?(https?:\/\/\S+\/debian\/?)\s/m.exec(text);
  const stanza = /^URIs:\s*(?:\S+\s+)*?(https?:\/\/\S+\/debian\/?)(?:\s|$)/m.exec(text);
  return line?.[1] ?? stanza?.[1];
}
