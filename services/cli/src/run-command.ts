/** One command from its words to its exit code; whatever goes wrong is a line to standard error. */
import { BusError } from '@postrider/bus';
import { ConfigError, StartError, version } from '@postrider/runtime';
import { CommandFailed, complain, exitCodes, say, UsageError, type Command } from './command.js';
import { commands, help, noSuch, usage } from './commands/index.js';

/** @returns the exit code. @throws what is a fault of ours */
export async function runCommand([name = 'help', ...rest]: readonly string[]): Promise<number> {
  if (name === '--version' || name === 'version') {
    say(`postrider ${version}`);
    return exitCodes.done;
  }
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0]);
  const command = commands.find((other) => other.name === name);
  if (!command) {
    complain(noSuch(name));
    return exitCodes.usage;
  }
  if (asksForHelp(rest)) return help(name);
  try {
    return await command.run(rest);
  } catch (error) {
    return failed(error, command);
  }
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end === -1 ? undefined : end).some((word) => word === '--help' || word === '-h');
}

function failed(error: unknown, command: Command): number {
  if (error instanceof UsageError) {
    complain(`${error.message}\n${usage(command)}`);
    return exitCodes.usage;
  }
  if (error instanceof ConfigError) {
    for (const problem of error.problems) complain(problem);
    return exitCodes.usage;
  }
  const ofTheHost = error instanceof Error && 'syscall' in error;
  if (
    ofTheHost ||
    error instanceof StartError ||
    error instanceof CommandFailed ||
    error instanceof BusError
  ) {
    complain(error.message);
    return exitCodes.failed;
  }
  throw error;
}
