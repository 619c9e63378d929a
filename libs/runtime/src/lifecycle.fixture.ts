/**
 * A process with two small services, for the specs of the lifecycle. What it shall do stands in its environment:
 * `FAKE_SERVICE=hangs|refuses|faults|throws|talks`.
 */
import { run } from './run.js';
import { StartError, type RunningService, type ServiceContext, type ServiceDefinition } from './service.js';

const behaviour = process.env['FAKE_SERVICE'] ?? '';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function fake(name: string): ServiceDefinition {
  return {
    name,
    start: async (context) => {
      say(`${name} starts`);
      await Promise.resolve();
      if (name === 'smtp-ingress') misbehave(context);
      return running(name);
    },
  };
}

function misbehave(context: ServiceContext): void {
  if (behaviour === 'talks') {
    for (let line = 1; line <= 5_000; line++) context.log.info({ line }, 'talks');
    process.exit(3);
  }
  if (behaviour === 'refuses') throw new StartError('listeners.mx: port 25 is taken');
  if (behaviour === 'faults') setTimeout(() => context.fatal(new Error('the disk is on fire')), 50);
  if (behaviour === 'throws')
    setTimeout(() => {
      throw new Error('nobody took it');
    }, 50);
}

function running(name: string): RunningService {
  return {
    listening: [`${name} 127.0.0.1:1`],
    figures: () => ({ mails: 7 }),
    reconfigured: (config) => say(`${name} reconfigured ${Object.keys(config.routes).join(' ')}`),
    drain: async () => {
      say(`${name} drains`);
      // A handle of its own: an unfinished promise would not keep the process.
      if (behaviour === 'hangs' && name === 'smtp-ingress')
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      // Nobody closes this one.
      setInterval(() => undefined, 60_000);
    },
  };
}

await run([fake('queue-manager'), fake('smtp-ingress')]);
