/** `postrider COMMAND`: finds the command, runs it, ends with its code. Also `sendmail`, `mailq`, `newaliases` by name. */
import { basename } from 'node:path';
import { exitCodes } from './command.js';
import { runCommand } from './run-command.js';
import { isSendmailName, runAsSendmail } from './sendmail/main.js';

const [program = '', ...words] = process.argv.slice(1);
const called = basename(program);

/** Mail goes on there when whoever read their output is gone. */
const servers = ['standalone', 'run'];
// `postrider queue list | head`: who reads has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!servers.includes(words[0] ?? '')) process.exit(exitCodes.done);
});

const code = isSendmailName(called) ? await runAsSendmail(called, words) : await runCommand(words);
// A connection to a NATS server that stands still would keep the process; what is written goes out first.
process.stdout.write('', () => process.exit(code));
