import { UsageError, type Command } from '../command.js';
import { parseFlags } from '../flags.js';

interface StandaloneModule {
  main(words: readonly string[]): Promise<number>;
}

export const standalone: Command = {
  name: 'standalone',
  synopsis: ['standalone [--config FILE] [--separate]'],
  summary:
    'nats-server and all services on this machine, until SIGTERM or Ctrl-C;\n--separate: a process for each service',
  async run(words) {
    parseFlags(words, { separate: { type: 'boolean' } }, 0);
    // By a computed name: services do not depend on each other, the command line only starts them.
    const name = ['@postrider', 'standalone'].join('/');
    const module = (await import(name)) as Partial<StandaloneModule>;
    if (!module.main) throw new UsageError(`${name} can't be started`);
    return module.main(words);
  },
};
