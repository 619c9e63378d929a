/** `postrider COMMAND`: finds the command, runs it, ends with its code. Also `sendmail`, `mailq`, `newaliases` by name. */
import { basename } from 'node:path';
import { runCommand } from './run-command.js';
import { isSendmailName, runAsSendmail } from './sendmail/main.js';

const [program = '', ...words] = process.argv.slice(1);
const called = basename(program);

process.exitCode = isSendmailName(called) ? await runAsSendmail(called, words) : await runCommand(words);
