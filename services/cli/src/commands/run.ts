import { loadService, run as runServices } from '@postrider/runtime';
import { UsageError, type Command } from '../command.js';
import { parseFlags } from '../flags.js';

export const run: Command = {
  name: 'run',
  synopsis: ['run SERVICE… [--config FILE]'],
  summary: 'one or several services in this process, until SIGTERM',
  async run(words) {
    const { values, positionals } = parseFlags(words, {}, Infinity);
    if (positionals.length === 0) throw new UsageError('name one service at least, such as smtp-ingress');
    const services = await Promise.all(positionals.map((name) => loadService(name)));
    return runServices(services, values.config === undefined ? {} : { config: values.config });
  },
};
