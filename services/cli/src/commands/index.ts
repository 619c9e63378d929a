/** The table of commands; help is printed from it. */
import { exitCodes, complain, say, type Command } from '../command.js';
import { access } from './access.js';
import { cluster } from './cluster.js';
import { config } from './config.js';
import { doctor } from './doctor.js';
import { demo } from './demo.js';
import { events } from './events.js';
import { installSendmail } from './install-sendmail.js';
import { queue } from './queue.js';
import { route } from './route.js';
import { run } from './run.js';
import { send } from './send.js';
import { standalone } from './standalone.js';
import { trace } from './trace.js';
import { users } from './users.js';

export const commands: readonly Command[] = [
  standalone,
  run,
  send,
  trace,
  queue,
  events,
  config,
  route,
  users,
  access,
  doctor,
  demo,
  cluster,
  installSendmail,
];

/** As help and refusals print it: the forms below each other; what begins with blanks goes on with a form. */
export const usage = ({ synopsis }: Command): string =>
  synopsis
    .map(
      (form, n) =>
        `${n === 0 ? 'usage: ' : '       '}${form.startsWith(' ') ? ' '.repeat(10) : 'postrider '}${form}`,
    )
    .join('\n');

const indented = (by: number, text: string): string => text.replaceAll(/^/gm, ' '.repeat(by));

export const noSuch = (name: string): string => `no command '${name}'; 'postrider help' lists them`;

export function help(name: string | undefined): number {
  const command = commands.find((other) => other.name === name);
  if (name !== undefined && !command) {
    complain(noSuch(name));
    return exitCodes.usage;
  }
  if (command) say(`${usage(command)}\n${command.summary}`);
  else {
    say(
      'usage: postrider COMMAND …; all take --config FILE (or POSTRIDER_CONFIG), those that show something --json\n',
    );
    for (const { synopsis, summary } of commands)
      say(`${indented(2, synopsis.join('\n'))}\n${indented(8, summary)}\n`);
    say("'postrider help COMMAND' shows one of them\n");
    say('exit: 0 done, 1 nothing matched or it failed, 2 usage or configuration');
  }
  return exitCodes.done;
}
