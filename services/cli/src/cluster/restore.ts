/** `postrider cluster restore DIR`: a backup into an empty store, and all of its mail on hold. */
import { join } from 'node:path';
import { systemClock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import { createLogger, hasOwnServer, initCluster, replicasOf, type Config } from '@postrider/runtime';
import {
  connectJetStreamLog,
  connectStoreAdmin,
  DamagedBackup,
  holdAll,
  isOfShard,
  loadStream,
  quarantineOf,
  quarantineStream,
  readBackupFile,
  RestoreFailed,
  spoolOver,
  streamsOf,
  type Log,
  type StoreAdmin,
} from '@postrider/spool';
import { CommandFailed, exitCodes, say, sayJson } from '../command.js';
import { addressOf, withBus } from '../connection.js';
import { counted } from '../table.js';
import type { FolderOptions } from './backup.js';
import { allHeardAfter, Gauges } from './gauges.js';
import { readManifest, type BackedUpStream, type BackupManifest } from './manifest.js';
import { Progress } from './progress.js';
import { pause } from './store.js';

export function restore({ config: path, folder, json }: FolderOptions): Promise<number> {
  const manifest = readManifest(folder);
  return withBus(path, async (bus, config) => {
    if (hasOwnServer(config))
      throw new CommandFailed(
        'nats.servers is empty: our own server runs only with the services beside it; restore into an outside NATS',
      );
    await refuseRunning(bus);
    const admin = await connectStoreAdmin(addressOf(config), 'restore');
    try {
      await clear(admin, config);
      const done = await load(config, { admin, folder, manifest });
      await admin.endRestore();
      // What this configuration wants besides.
      await initCluster(config, createLogger({ ...config.log, level: 'error' }, { service: 'restore' }));
      if (json) sayJson({ folder, at: manifest.at, shards: manifest.shards, ...done });
      else
        say(
          `${counted(done.held, 'mail')} on hold, as of ${manifest.at}: start the services, look ('postrider queue list'), then 'postrider queue release --all'`,
        );
      return exitCodes.done;
    } catch (error) {
      if (error instanceof RestoreFailed || error instanceof DamagedBackup)
        throw new CommandFailed(`${error.message}; no service takes up work until a restore has ended well`);
      throw error;
    } finally {
      await admin.close();
    }
  });
}

/** They would write between, and send what is not on hold yet. */
async function refuseRunning(bus: Bus): Promise<void> {
  const gauges = new Gauges(bus);
  await pause(allHeardAfter);
  const writers = gauges
    .now()
    .filter(({ service }) => service === 'queue-manager' || service === 'smtp-ingress');
  gauges.stop();
  if (writers.length === 0) return;
  const names = writers.map(({ service, instance }) => `${service} (${instance})`);
  throw new CommandFailed(`stop these first: ${names.join(', ')}`);
}

/** Streams that were never written may go; a restore that broke off begins anew. */
async function clear(admin: StoreAdmin, config: Config): Promise<void> {
  const streams = (await admin.streams()).filter((name) => isOfShard(name) || name === quarantineStream);
  if (!(await admin.restoring())) {
    for (const stream of streams) {
      const messages = await admin.messagesIn(stream);
      if (messages > 0)
        throw new CommandFailed(
          `the store is not empty: ${stream} has ${counted(messages, 'message')}. A restore would mix two stores: remove the streams of all shards, and QUARANTINE, first ('nats stream rm'), or restore elsewhere`,
        );
    }
    await admin.beginRestore(replicasOf(config));
  }
  await admin.remove(streams);
}

interface Restored {
  readonly messages: number;
  readonly held: number;
  readonly heldBefore: number;
}

async function load(
  config: Config,
  parts: { readonly admin: StoreAdmin; readonly folder: string; readonly manifest: BackupManifest },
): Promise<Restored> {
  const { shards, streams, at } = parts.manifest;
  const log = await connectJetStreamLog({
    address: addressOf(config),
    name: 'restore',
    replicas: replicasOf(config),
    maxSizeInOctets: config.spool.max_size,
    restores: true,
  });
  try {
    const progress = new Progress();
    for (const text of await log.prepare(shards)) progress.say(text);
    let messages = 0;
    for (const stream of streams) messages += await loadOne(log, stream, { ...parts, progress });
    const spool = spoolOver(log, { clock: systemClock, giveUpAfter: holdsWithin });
    let [held, heldBefore] = [0, 0];
    for (const shard of shards) {
      const reason = `restored from a backup of ${at}: may have been sent since`;
      const fault = (text: string): void => progress.say(`shard ${shard}: ${text}`);
      const done = await holdAll({ spool, clock: systemClock, shard, owner: 'restore', reason, fault });
      progress.say(`shard ${shard}: ${counted(done.held, 'mail')} on hold`);
      [held, heldBefore] = [held + done.held, heldBefore + done.before];
    }
    return { messages, held, heldBefore };
  } finally {
    await log.close();
  }
}

/** Nothing is committed here: the time for a segment's fate is never used up. */
const holdsWithin = 30_000;

async function loadOne(
  log: Log,
  backedUp: BackedUpStream,
  {
    admin,
    folder,
    progress,
  }: { readonly admin: StoreAdmin; readonly folder: string; readonly progress: Progress },
): Promise<number> {
  const { stream, shard, messages: expected, octets, firstSequence, lastSequence } = backedUp;
  const setAside = stream === quarantineOf(shard);
  const messages = await loadStream({
    log,
    stream: setAside ? quarantineStream : stream,
    firstSequence,
    lastSequence,
    messages: readBackupFile(join(folder, stream)),
    // These are found by their subjects.
    keepsSequences: !setAside && stream !== streamsOf(shard).content,
    erase: (from, sequence) => admin.erase(from, sequence),
    progress: (count, sum) => progress.at(stream, count, sum),
  });
  if (messages !== expected)
    throw new RestoreFailed(`${stream}: ${messages} of ${counted(expected, 'message')} in its file`);
  progress.done(stream, messages, octets);
  return messages;
}
