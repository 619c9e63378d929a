/** Finds the running system by its configuration, and talks to it over the bus. */
import { connectBus, type Bus } from '@postrider/bus';
import { readConnection, type NatsAddress } from '@postrider/nats-server';
import {
  hasOwnServer,
  loadConfig,
  outsideAddress,
  version,
  type Config,
  type LoadedConfig,
} from '@postrider/runtime';
import { CommandFailed } from './command.js';

/** `--config`, or POSTRIDER_CONFIG. @throws ConfigError */
export function configuration(path: string | undefined): LoadedConfig {
  const named = path ?? process.env['POSTRIDER_CONFIG'];
  return loadConfig({
    environment: process.env,
    ...(named === undefined || named === '' ? {} : { path: named }),
  });
}

export function addressOf(config: Config): NatsAddress {
  if (!hasOwnServer(config)) return outsideAddress(config, commandLineUser());
  const address = readConnection(config.data_dir);
  if (!address)
    throw new CommandFailed(
      `nothing runs with data_dir ${config.data_dir}: start it with 'npm start', or name its --config`,
    );
  return address;
}

/** In a pod the command line has no NATS user but that of the pod's service. */
const commandLineUser = (): string => process.env['POSTRIDER_SERVICE'] ?? 'admin';

/** Connects, acts, closes. @throws CommandFailed when NATS does not answer */
export async function withBus<T>(
  path: string | undefined,
  act: (bus: Bus, config: Config) => Promise<T>,
): Promise<T> {
  const { config } = configuration(path);
  const address = addressOf(config);
  let bus: Bus;
  try {
    bus = await connectBus({ address, name: 'postrider command line', version });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(
      `NATS at ${address.servers.join(', ')} does not answer (${text}): is Postrider running?`,
    );
  }
  try {
    return await act(bus, config);
  } finally {
    await bus.close();
  }
}
