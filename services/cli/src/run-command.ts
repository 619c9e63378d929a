/** One command from its words to its exit code; whatever goes wrong is a line to standard error. */
import { BusError } from '@postrider/bus';
import { ConfigError, StartError, version } from '@postrider/runtime';
import { CommandFailed, complain, exitCodes, say, UsageError } from './command.js';
import { commands, help } from './commands/index.js';

/** @returns the exit code. @throws what is a fault of ours */
export async function runCommand([name = 'help', ...rest]: readonly string[]): Promise<number> {
  if (name === '--version' || name === 'version') {
    say(`postrider ${version}`);
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
  if (error instanceof StartError || error instanceof CommandFailed || error instanceof BusError) {
    complain(error.message);
    return exitCodes.failed;
  }
  throw error;
}
