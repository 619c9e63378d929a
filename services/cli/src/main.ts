/** `postrider COMMAND`: finds the command, runs it, ends with its code. Also `sendmail`, `mailq`, `newaliases` by name. */
import { basename } from 'node:path';
import { ConfigError, StartError } from '@postrider/runtime';
import { CommandFailed, complain, exitCodes, say, UsageError } from './command.js';
import { commands, help } from './commands/index.js';
import { isSendmailName, runAsSendmail } from './sendmail/main.js';

const [program = '', ...words] = process.argv.slice(1);
const called = basename(program);

process.exitCode = isSendmailName(called) ? await runAsSendmail(called, words) : await runCommand(words);

async function runCommand([name = 'help', ...rest]: readonly string[]): Promise<number> {
  if (name === '--version' || name === 'version') {
    say('postrider 0.1.0');
    return exitCodes.done;
  }
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0]);
  const command = commands.find((other) => other.name === name);
  if (!command) {
    complain(`no command '${name}'; 'postrider help' lists them`);
    return exitCodes.usage;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    return failed(error, command.synopsis);
  }
}

function failed(error: unknown, synopsis: string): number {
  if (error instanceof UsageError) {
    complain(`${error.message}\n  usage: postrider ${synopsis}`);
    return exitCodes.usage;
  }
  if (error instanceof ConfigError) {
    for (const problem of error.problems) complain(problem);
    return exitCodes.usage;
  }
  if (error instanceof StartError || error instanceof CommandFailed) {
    complain(error.message);
    return exitCodes.failed;
  }
  throw error;
}
