import { lstatSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandFailed, exitCodes, say, UsageError, type Command } from '../command.js';
import { parseFlags } from '../flags.js';

const names = ['sendmail', 'mailq', 'newaliases'];

export const installSendmail: Command = {
  name: 'install-sendmail',
  synopsis: ['install-sendmail DIR'],
  summary: 'links sendmail, mailq and newaliases in DIR to this program',
  run(words) {
    const { positionals } = parseFlags(words, {}, 1);
    const [folder] = positionals;
    if (folder === undefined) throw new UsageError('name the folder for the links');
    const program = fileURLToPath(new URL('../../bin/postrider.js', import.meta.url));
    mkdirSync(folder, { recursive: true });
    for (const name of names) link(program, join(resolve(folder), name));
    say(
      `linked in ${resolve(folder)}: ${names.join(', ')}. POSTRIDER_CONFIG tells them which configuration.`,
    );
    return Promise.resolve(exitCodes.done);
  },
};

/** Another's program of that name is never replaced. */
function link(program: string, path: string): void {
  const known = lstatSync(path, { throwIfNoEntry: false });
  if (!known) symlinkSync(program, path);
  else if (!known.isSymbolicLink() || readlinkSync(path) !== program)
    throw new CommandFailed(`${path} is there already and is not ours: move it away first`);
}
