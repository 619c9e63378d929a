/**
 * The image without an engine to build it and a registry to ask: each instruction of k8s/Dockerfile is done in folders. What can't be
 * had is put in its place: the base image is this machine's Debian, seen read-only, with node where the base has it; what
 * is compiled and nats-server are those that the tests have. Needs root, for mounts in a namespace of its own.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findNatsServer } from '@postrider/nats-server';

export interface ImageTree {
  /** Becomes `/`. */
  readonly root: string;
  /** As `docker run`: the entry point with these words. No write reaches the root, but /tmp is there. */
  run(...words: readonly string[]): ChildProcess;
  /** As `docker exec`. */
  exec(...words: readonly string[]): ChildProcess;
}

type Instruction = readonly [name: string, words: string];

export const repository = fileURLToPath(new URL('../../..', import.meta.url));
const compile = 'npm ci --ignore-scripts && npm run build && npm prune --omit=dev --ignore-scripts';
const compiled = 'npm ci --omit=dev --ignore-scripts --prefer-offline --no-audit';
const leftOut = new Set(['node_modules', '.git', '.nx', 'var', 'coverage', 'secrets', 'results']);

/** @param folder empty, this machine's; the caller removes it */
export async function makeImageTree(folder: string): Promise<ImageTree> {
  const [build, image] = stages();
  const app = join(folder, 'build');
  const isTaken = (path: string): boolean =>
    !relative(repository, path)
      .split('/')
      .some((part) => leftOut.has(part));
  cpSync(repository, app, { recursive: true, filter: isTaken });
  for (const [name, words] of build) {
    if (name !== 'RUN') continue;
    execFileSync('sh', ['-euc', words === compile ? compiled : words], { cwd: app, stdio: 'pipe' });
  }
  const root = join(folder, 'root');
  const enter = join(folder, 'enter');
  writeFileSync(enter, enterScript);
  for (const path of ['app', 'tmp', 'proc', 'dev', 'usr', 'etc', 'local/bin'])
    mkdirSync(join(root, path), { recursive: true });
  // Nobody else has to look into the folder that is `/` to others.
  for (const path of [folder, root]) chmodSync(path, 0o755);
  const local = (path: string): string => join(root, path.replace(/^\/usr\/local\//, '/local/'));
  cpSync(process.execPath, local('/usr/local/bin/node'));
  const { binary } = await findNatsServer({ fetch: true });
  const environment = { HOME: '/', PATH: '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
  let [user, entryPoint] = ['0:0', [] as readonly string[]];
  const enterWith = (mode: 'ro' | 'rw', words: readonly string[]): readonly string[] => [
    ...['-m', 'sh', '-eu', enter, root, mode, user],
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...['chroot', `--userspec=${user}`, root, 'sh', '-euc', 'cd /app; exec "$@"', 'sh', ...words],
  ];
  for (const [name, words] of image) {
    if (name === 'ENV')
      Object.assign(environment, Object.fromEntries(words.split(' ').map((pair) => pair.split('='))));
    else if (name === 'USER') user = words;
    else if (name === 'ENTRYPOINT') entryPoint = JSON.parse(words) as readonly string[];
    else if (name === 'RUN') execFileSync('unshare', enterWith('rw', ['sh', '-euc', words]));
    else if (name === 'COPY') {
      const [from = '', ...paths] = words.split(' ');
      const to = local(join('/app', paths.pop() ?? '').replace(/^\/app(?=\/usr\/)/, ''));
      for (const path of paths)
        if (from === '--from=build') cpSync(join(app, relative('/app', path)), placeOf(path, to), asIs);
        else cpSync(binary, to);
    }
  }
  const start = (words: readonly string[]): ChildProcess =>
    spawn('unshare', enterWith('ro', words), { stdio: ['ignore', 'pipe', 'pipe'] });
  return {
    root,
    run: (...words) => start([...entryPoint, ...words]),
    exec: (...words) => start(words),
  };
}

const asIs = { recursive: true, verbatimSymlinks: true } as const;

/** COPY puts a file into a folder under its name, and a folder's files into the folder. */
const placeOf = (from: string, to: string): string =>
  to.endsWith('/') ? join(to, from.slice(dirname(from).length)) : to;

/** ENV, COPY, … of the Dockerfile's two stages, lines joined. */
function stages(): readonly [readonly Instruction[], readonly Instruction[]] {
  const text = readFileSync(join(repository, 'k8s/Dockerfile'), 'utf8');
  const lines = text.replaceAll(/^#.*\n/gm, '').replaceAll(/\\\n\s*/g, '');
  const [, build = '', image = ''] = lines.split(/^FROM .*$/m);
  const instructions = (stage: string): readonly Instruction[] =>
    [...stage.matchAll(/^([A-Z]+) (.*)$/gm)].map(([, name = '', words = '']) => [name, words]);
  return [instructions(build), instructions(image)];
}

/** ROOT MODE USER NAME=VALUE… PROGRAM…: mounts what a container has beside its image, and becomes the program. */
const enterScript = `
root=$1 mode=$2; shift 3
for name in bin sbin lib lib64; do
  [ -L "/$name" ] && [ ! -e "$root/$name" ] && cp -P "/$name" "$root/$name" || true
done
mount --bind "$root" "$root"
mount --bind -o ro /usr "$root/usr"
mount --bind "$root/local" "$root/usr/local"
mount --bind -o ro /etc "$root/etc"
mount -t tmpfs tmpfs "$root/tmp"
chmod 1777 "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
[ "$mode" = rw ] || for each in "$root" "$root/usr/local"; do mount -o "remount,bind,$mode" "$each"; done
exec env -i "$@"
`;
