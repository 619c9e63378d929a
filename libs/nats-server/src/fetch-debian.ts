/**
 * Debian's package from the mirror this machine already uses: lists and package in a temporary folder, unpacked
 * without being installed, so root is not needed and the system stays as it is.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mirrorOfThisMachine } from './apt-sources.js';
import { install, type FetchTarget } from './install.js';
import { inOneLine } from './one-line.js';
import { isAtLeast, oldestVersion, versionOf } from './version.js';

/** Newest first: stable releases carry servers without group commit. */
const suites = ['sid', 'trixie'];
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const run = promisify(execFile);
/** The lists of a suite are some 10 MB, the package some 6 MB. */
const aptWithin = 180_000;
const aptConnectsWithinSeconds = 10;

/** @throws an error in one line; nothing is left behind then */
export async function fetchFromDebian({ target, progress }: FetchTarget): Promise<void> {
  const mirror = mirrorOfThisMachine();
  if (mirror === undefined) throw new Error("Debian's archive: apt on this machine names no mirror of it");
  if (!existsSync(keyring))
    throw new Error(`Debian's archive: no ${keyring} (package debian-archive-keyring)`);
  const failures: string[] = [];
  for (const suite of suites) {
    progress(`fetching nats-server from ${mirror} (${suite})`);
    const folder = await mkdtemp(join(tmpdir(), 'postrider-nats-'));
    try {
      const binary = await unpack(folder, mirror, suite);
      const version = await versionOf(binary);
      if (version === undefined) throw new Error('its nats-server does not run here');
      if (!isAtLeast(version, oldestVersion))
        throw new Error(`its nats-server ${version} is too old: ${oldestVersion} at least`);
      await install(binary, target);
      return;
    } catch (error) {
      failures.push(`${suite}: ${reasonOf(error)}`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  throw new Error(`Debian's archive: ${failures.join(', ')}`);
}

/** @returns the unpacked binary, below the folder */
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
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=1',
    `Acquire::http::Timeout=${aptConnectsWithinSeconds}`,
    `Acquire::https::Timeout=${aptConnectsWithinSeconds}`,
    // A mirror that can't be reached is an error, not a warning.
    'APT::Update::Error-Mode=any',
  ].flatMap((setting) => ['-o', setting]);
  await run('apt-get', ['-qq', ...settings, 'update'], { timeout: aptWithin });
  await run('apt-get', ['-qq', ...settings, 'download', 'nats-server'], { cwd: folder, timeout: aptWithin });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Error('no package came');
  await run('dpkg', ['-x', join(folder, archive), join(folder, 'package')]);
  return join(folder, 'package/usr/sbin/nats-server');
}

/** apt says why on its standard error, in lines that begin with E:. */
function reasonOf(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  return /^E: (.*)$/m.exec(said)?.[1] ?? inOneLine(error);
}
