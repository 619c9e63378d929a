/**
 * The next version of Postrider, as far as the others see it: this build in a folder of its own, with formats one higher
 * than ours, and with a field in each message and each envelope that we do not know.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Change {
  /** Of the build, from the root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What is there in any build of today's sources, each once. */
const changes: readonly Change[] = [
  { file: 'libs/spool/dist/frame.js', from: 'const version = 1;', to: 'const version = 2;' },
  { file: 'libs/spool/dist/record-frame.js', from: 'const version = 1;', to: 'const version = 2;' },
  {
    file: 'libs/spool/dist/frame.js',
    from: 'packr.pack(envelope)',
    to: 'packr.pack({ ...envelope, ofNextVersion: { any: [1] } })',
  },
  {
    file: 'libs/bus/dist/wire.js',
    from: 'packr.pack([from.instance, from.trace ?? null, payload])',
    to: 'packr.pack([from.instance, from.trace ?? null, { ...payload, ofNextVersion: { any: [1] } }])',
  },
  {
    file: 'libs/bus/dist/wire.js',
    from: 'packr.pack([ok, answer])',
    to: "packr.pack([ok, answer !== null && typeof answer === 'object' && !Array.isArray(answer) ? { ...answer, ofNextVersion: 1 } : answer])",
  },
];

/** Format of the segments and records that it writes. */
export const nextFormat = 2;

/**
 * @param folder empty
 * @returns its command line program
 */
export function makeNextVersion(folder: string): string {
  const own = join(folder, 'node_modules', '@postrider');
  mkdirSync(own, { recursive: true });
  for (const entry of readdirSync(join(root, 'node_modules')))
    if (entry !== '@postrider' && entry !== '.bin')
      symlinkSync(join(root, 'node_modules', entry), join(folder, 'node_modules', entry));
  for (const part of ['libs', 'services'])
    for (const name of readdirSync(join(root, part))) {
      const from = join(root, part, name);
      if (!existsSync(join(from, 'package.json'))) continue;
      const to = join(folder, part, name);
      for (const piece of ['package.json', 'dist', 'bin'])
        if (existsSync(join(from, piece))) cpSync(join(from, piece), join(to, piece), { recursive: true });
      if (existsSync(join(from, 'node_modules')))
        symlinkSync(join(from, 'node_modules'), join(to, 'node_modules'));
      symlinkSync(to, join(own, basename(name)));
    }
  for (const { file, from, to } of changes) replaceOnce(join(folder, file), from, to);
  return join(folder, 'services', 'cli', 'bin', 'postrider.js');
}

function replaceOnce(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} of: ${from}`);
  writeFileSync(file, parts.join(to));
}
