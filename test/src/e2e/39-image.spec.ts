/** What k8s/Dockerfile makes: all that runs and nothing else, as a user who may write nowhere. `docker run … demo` works in it. */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeImageTree, repository, type ImageTree } from './image-tree.js';
import { until } from './maildirs.js';
import { inCi, isInstalled, runClient } from './peers.js';
import { mayMount } from './small-disk.js';

test('the lock file holds together: npm 10, which comes with Node 20, refuses one that npm 11 takes', () => {
  // @throws with what npm finds missing or invalid
  execFileSync('npm', ['ls', '--all', '--package-lock-only'], { cwd: repository, stdio: 'pipe' });
});

const missing = ['unshare', 'swaks'].filter((name) => !isInstalled(name));
const isPossible = mayMount() && (missing.length === 0 || inCi);
if (!isPossible)
  process.stderr.write(
    `the image's tree: skipped here, needs ${['the right to mount', ...missing].join(', ')}\n`,
  );

describe.runIf(isPossible)('the image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-image-'));
  let image: ImageTree;
  beforeAll(async () => {
    image = await makeImageTree(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const app = (): string => join(image.root, 'app');

  test('holds no tests, no sources and no package that only development needs', () => {
    const files = readdirSync(app(), { recursive: true, encoding: 'utf8' });
    const ours = files.filter((path) => !path.includes('node_modules/'));
    expect(ours.filter((path) => /\.(spec|fixture)\.|\.ts$|\.map$|(^|\/)src(\/|$)/.test(path))).toEqual([]);
    expect(files.filter((path) => !existsSync(join(app(), path)))).toEqual([]);
    expect(readdirSync(app()).sort()).toEqual([
      'LICENSE',
      'libs',
      'node_modules',
      'package.json',
      'services',
    ]);
    const { devDependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      devDependencies: Readonly<Record<string, string>>;
    };
    const names = Object.keys(devDependencies);
    expect(names.filter((name) => existsSync(join(app(), 'node_modules', name)))).toEqual([]);
  });

  test('everybody may read it, and nobody but root may write', () => {
    for (const path of readdirSync(app(), { recursive: true, encoding: 'utf8' })) {
      const status = lstatSync(join(app(), path));
      if (status.isSymbolicLink()) continue;
      expect(status.uid, path).toBe(0);
      expect(status.mode & 0o022, path).toBe(0);
      expect(status.mode & 0o004, path).toBe(0o004);
    }
  });

  test('who runs it is not root, and has no place to write', async () => {
    expect(await outcome(image.exec('id', '-u'))).toEqual({ code: 0, output: '10001\n' });
    expect((await outcome(image.exec('touch', '/app/x'))).output).toMatch(/Read-only file system/);
    expect((await outcome(image.exec('postrider', '--version'))).output).toMatch(/^postrider \d/);
    expect((await outcome(image.run('help', 'run'))).output).toMatch(/run SERVICE/);
  });

  test('demo: mail comes in by an address that is not loopback, and nobody may relay', async () => {
    const demo = image.run('demo');
    try {
      const output = collected(demo);
      const told = (pattern: RegExp) =>
        until(pattern.source, () => pattern.exec(output()) ?? undefined, 60_000).catch((error: unknown) => {
          throw new Error(`not told; the demo printed:\n${output()}`, { cause: error });
        });
      await told(/Events, as they happen/);
      expect(output()).toMatch(/docker exec -it \S+ sh\n.*\n {2}postrider send/);
      const [, port = ''] = await told(/listens on 0\.0\.0\.0:([0-9]+)/);
      const send = (to: string) =>
        runClient('swaks', ['--server', ownAddress(), '--port', port, '--from', 'me@localhost', '--to', to]);
      expect((await send('you@elsewhere.test')).output).toMatch(/<\*\* 550 5\.7\.1/);
      expect((await send('you@ok.test')).code).toBe(0);
      await told(/relayed .*you@ok\.test/);
      const ended = once(demo, 'exit');
      demo.kill('SIGTERM');
      expect((await ended)[0]).toBe(0);
    } finally {
      demo.kill('SIGKILL');
    }
  });
});

/** Of this machine, as another machine sees it; one of loopback's where there is no network. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.5';
}

function collected(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  return () => output;
}

async function outcome(
  child: ChildProcess,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const output = collected(child);
  await once(child, 'close');
  return { code: child.exitCode, output: output() };
}
