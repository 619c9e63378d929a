/** This process's NATS: where it is, connected, checked, with the streams that mail needs. */
import { connectBus, type Bus } from '@postrider/bus';
import {
  askServer,
  isAtLeast,
  notReadyYet,
  oldestVersion,
  pinnedVersion,
  readConnection,
  type NatsAddress,
  type ServerFacts,
} from '@postrider/nats-server';
import { connectSpool, shardNames, StreamsMissing, type Spool } from '@postrider/spool';
import type { Config } from './config/schema.js';
import { StartError, type Logger } from './service.js';
import { version } from './version.js';

export interface Nats {
  readonly bus: Bus;
  readonly spool: Spool;
}

/** Room of EVENTS: some 500,000 mails' events. */
const eventsSizeInOctets = 256 * 1024 * 1024;
/** Between two tries before the first connection. */
const retryPause = 1_000;

/** A cluster's servers find one another and elect a leader within it, milliseconds. */
const initWithin = 30_000;

/** Everything that is ours on the server: what its max_file_store must hold. */
export const storeSizeInOctets = (config: Config): number => config.spool.max_size + eventsSizeInOctets;

/** Copies of each stream. */
export const replicasOf = (config: Config): number =>
  config.spool.replicas === 'auto' ? (hasOwnServer(config) ? 1 : 3) : config.spool.replicas;

export const hasOwnServer = ({ nats }: Config): boolean => nats.servers.length === 0;

/** @param name of the process: its inboxes stand under it @throws StartError when there is nothing to connect to */
export function natsAddress(config: Config, name: string): NatsAddress {
  if (!hasOwnServer(config)) return outsideAddress(config, name);
  const address = readConnection(config.data_dir);
  if (!address)
    throw new StartError(
      `nats.servers is empty and no server of ours ever ran in ${config.data_dir}: 'postrider standalone' starts one`,
    );
  return address;
}

/** Outside NATS, as a user whose inboxes are `_INBOX.<name>.>`. */
export function outsideAddress({ nats }: Config, name: string): NatsAddress {
  const { servers, creds_file: credsFile, nkey_file: nkeyFile, ca_file: caFile } = nats;
  return {
    servers,
    inboxPrefix: `_INBOX.${name}`,
    ...(credsFile === '' ? {} : { credsFile }),
    ...(nkeyFile === '' ? {} : { nkeyFile }),
    ...(caFile === '' ? {} : { caFile }),
  };
}

/**
 * Makes the streams and the bucket of outside NATS that are not there yet; what is there stays as it is. Waits for
 * servers that have only just been started.
 * @throws StartError for a server that does not do; else why none answers, or can't make them
 */
export async function initCluster(config: Config, log: Logger): Promise<void> {
  const { bus, spool } = await connectWhenReady(config, log);
  await spool.close();
  await bus.close();
}

async function connectWhenReady(config: Config, log: Logger): Promise<Nats> {
  const until = performance.now() + initWithin;
  // One that takes no connection is not waited for: its address may be wrong.
  const address = await checkedAddress(config, 'init', log);
  for (;;) {
    try {
      return await connectTo(address, config, { name: 'init', log, create: true });
    } catch (error) {
      const reason = notReadyYet(error);
      if (reason === undefined) throw error;
      if (performance.now() > until) throw new Error(reason, { cause: error });
      log.warn({ reason }, 'waiting for NATS');
      await new Promise((resolve) => setTimeout(resolve, retryPause));
    }
  }
}

/** Waits until NATS answers, however long, unless stopped. @returns undefined when stopped before */
export async function connectAll(
  config: Config,
  name: string,
  { log, stopped }: { readonly log: Logger; readonly stopped: () => boolean },
): Promise<Nats | undefined> {
  for (let tries = 0; !stopped(); tries++) {
    try {
      const address = await checkedAddress(config, name, log);
      return await connectTo(address, config, { name, log, create: hasOwnServer(config) });
    } catch (error) {
      if (error instanceof StartError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      // Processes that start together make the same streams, and one of them is told that there is no room for two:
      // a first failure says nothing yet.
      if (tries % 10 === 1) log.warn({ reason: text }, 'waiting for NATS');
      await new Promise((resolve) => setTimeout(resolve, retryPause));
    }
  }
  return undefined;
}

/** Where a server answers that does. @throws StartError when it does not do */
async function checkedAddress(config: Config, name: string, log: Logger): Promise<NatsAddress> {
  const address = natsAddress(config, name);
  checkServer(await askServer(address, name), config, log);
  return address;
}

interface Connecting {
  readonly name: string;
  readonly log: Logger;
  /** With outside NATS a service makes no streams: its user may not, and `postrider cluster init` does. */
  readonly create: boolean;
}

async function connectTo(
  address: NatsAddress,
  config: Config,
  { name, log, create }: Connecting,
): Promise<Nats> {
  const bus = await connectBus({ address, name, version, log });
  let spool: Spool | undefined;
  try {
    spool = await connectSpool({
      address,
      name,
      replicas: replicasOf(config),
      maxSizeInOctets: config.spool.max_size,
      ...(hasOwnServer(config) ? { storeFolder: config.data_dir } : {}),
      create,
    });
    for (const text of await spool.prepare(shardNames(config.spool.shards))) log.warn({}, text);
    if (create) await bus.prepareEvents(eventsSizeInOctets);
    return { bus, spool };
  } catch (error) {
    await spool?.close();
    await bus.close();
    if (error instanceof StreamsMissing)
      throw new Error(`${error.message}: 'postrider cluster init' makes them`, { cause: error });
    throw error;
  }
}

/** DESIGN §3: a cluster has group commit only from the pinned version on; one machine may do with less. */
function checkServer({ version: found, jetStream }: ServerFacts, config: Config, log: Logger): void {
  if (!jetStream) throw new StartError('NATS runs without JetStream: mail would have no place');
  const least = hasOwnServer(config) ? oldestVersion : pinnedVersion;
  if (!isAtLeast(found, least)) throw new StartError(`nats-server ${found} is too old: ${least} at least`);
  if (!isAtLeast(found, pinnedVersion))
    log.warn({ version: found }, `nats-server is older than ${pinnedVersion}, with which this is tested`);
}
