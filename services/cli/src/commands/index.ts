/** The table of commands; help is printed from it. */
import { exitCodes, complain, say, type Command } from '../command.js';
import { table } from '../table.js';
import { access } from './access.js';
import { cluster } from './cluster.js';
import { config } from './config.js';
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
  demo,
  cluster,
  installSendmail,
];

export function help(name: string | undefined): number {
  const command = commands.find((other) => other.name === name);
  if (name !== undefined && !command) {
    complain(`no command '${name}'`);
    return exitCodes.usage;
  }
  if (command) say(`usage: postrider ${command.synopsis}\n${command.summary}`);
  else {
    say(
      'usage: postrider COMMAND …; all take --config FILE (or POSTRIDER_CONFIG), those that show something --json\n',
    );
    say(table(commands.map(({ synopsis, summary }) => [`  ${synopsis}`, summary])));
    say('\nexit: 0 done, 1 nothing matched or it failed, 2 usage or configuration');
  }
  return exitCodes.done;
}
