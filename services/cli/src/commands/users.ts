import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import {
  BadUser,
  changeUsers,
  FileLocked,
  makeUser,
  prepared,
  readUsers,
  userName,
  UsersFileError,
} from '@postrider/auth';
import { isDomain, isMailbox } from '@postrider/smtp';
import { CommandFailed, exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { configuration } from '../connection.js';
import { parseFlags } from '../flags.js';
import { table } from '../table.js';

export const users: Command = {
  name: 'users',
  synopsis: ['users list', 'users add NAME [--senders a@example.org,@example.net]', 'users remove NAME'],
  summary: 'who may authenticate; the password is asked for, or read from standard input',
  async run(words) {
    const { values, positionals } = parseFlags(words, { senders: { type: 'string' } }, 2);
    const { config } = configuration(values.config);
    const file = config.users.file || join(config.data_dir, 'users');
    const [act, name = ''] = positionals;
    if ((act === 'list') !== (name === '')) throw new UsageError('say list, add NAME or remove NAME');
    if (values.senders !== undefined && act !== 'add') throw new UsageError('--senders goes with add only');
    try {
      switch (act) {
        case 'list':
          return list(file, values.json === true);
        case 'add':
          return await add(file, name, sendersOf(values.senders));
        case 'remove':
          return await remove(file, name);
        default:
          throw new UsageError('say list, add NAME or remove NAME');
      }
    } catch (error) {
      if (error instanceof BadUser) throw new UsageError(error.message);
      if (error instanceof UsersFileError || error instanceof FileLocked)
        throw new CommandFailed(error.message);
      throw error;
    }
  },
};

function list(file: string, json: boolean): number {
  const all = [...readUsers(file).values()].map(({ name, senders }) => ({ name, senders }));
  if (json) sayJson(all);
  else if (all.length === 0) say(`nobody may authenticate: no user in ${file}`);
  else say(table([['name', 'may send as'], ...all.map(({ name, senders }) => [name, senders.join(' ')])]));
  return all.length > 0 ? exitCodes.done : exitCodes.nothingMatched;
}

async function add(file: string, name: string, senders: readonly string[]): Promise<number> {
  // Both before anybody is asked for a password.
  userName(name);
  readUsers(file);
  const user = await makeUser(name, await password(), senders);
  const before = await changeUsers(file, (found) => new Map(found).set(user.name, user));
  say(`${before.has(user.name) ? 'changed' : 'added'} ${user.name} in ${file}`);
  return exitCodes.done;
}

async function remove(file: string, given: string): Promise<number> {
  const name = prepared(given) ?? given;
  const before = await changeUsers(file, (found) => {
    const left = new Map(found);
    return left.delete(name) ? left : found;
  });
  if (!before.has(name)) {
    say(`no user ${given} in ${file}`);
    return exitCodes.nothingMatched;
  }
  say(`removed ${given} from ${file}`);
  return exitCodes.done;
}

function sendersOf(text: string | undefined): readonly string[] {
  const senders = text === undefined || text === '' ? [] : text.split(',');
  for (const sender of senders)
    if (sender !== '*' && !isMailbox(sender) && !(sender.startsWith('@') && isDomain(sender.slice(1))))
      throw new UsageError(`'${sender}' is no sender: use an address, @domain or *`);
  return senders;
}

/** Twice and unseen from a terminal, else the first line. */
async function password(): Promise<string> {
  const onTerminal = process.stdin.isTTY;
  const nowhere = new Writable({ write: (_, __, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: onTerminal });
  try {
    if (!onTerminal) {
      for await (const line of lines) return line;
      throw new UsageError('the password is read from the first line of standard input: there is none');
    }
    const asked = async (prompt: string): Promise<string> => {
      process.stderr.write(prompt);
      const line = await lines.question('');
      process.stderr.write('\n');
      return line;
    };
    const first = await asked('Password: ');
    if (first !== (await asked('Again: ')))
      throw new CommandFailed('these are two passwords: nothing is changed');
    return first;
  } finally {
    lines.close();
  }
}
