/**
 * In the place of `postrider` for the supervisor's spec: `standalone …` is the real one, `run NAMES` runs services that do
 * nothing but live and die. `FAKE_HANGS` and `FAKE_REFUSES` name the service that does so.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { run, StartError, type ServiceContext, type ServiceDefinition } from '@postrider/runtime';
import { main } from './index.js';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function fake(name: string): ServiceDefinition {
  return {
    name,
    start: async (context) => {
      const listening = name === 'smtp-ingress' ? await listen(context) : [];
      if (process.env['FAKE_REFUSES'] === name) throw new StartError(`${name} has its reasons`);
      for (const instance of context.endedInstances ?? []) say(`${name} comes after ${instance}`);
      return {
        listening,
        figures: () => ({}),
        drain: async () => {
          say(`${name} drains`);
          if (process.env['FAKE_HANGS'] === name) await new Promise((resolve) => setTimeout(resolve, 60_000));
        },
      };
    },
  };
}

async function listen({ config }: ServiceContext): Promise<readonly string[]> {
  const address = config.listeners['mx']?.listen[0];
  if (!address) return [];
  const server = createServer().listen(address.port, address.host);
  try {
    await once(server, 'listening');
  } catch {
    throw new StartError(`listeners.mx: ${address.host}:${address.port} is taken`);
  }
  return [`smtp ${address.host}:${address.port}`];
}

const [command = '', ...words] = process.argv.slice(2);
if (command === 'run') await run(words.map(fake));
else
  process.exitCode = await main(words).catch((error: unknown) => {
    say(`refused: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  });
