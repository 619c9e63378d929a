/** `postrider cluster backup DIR`: every shard's streams into files, while mail goes on. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@postrider/actor';
import { hasOwnServer, version, type Config } from '@postrider/runtime';
import {
  backUpShard,
  BackupFailed,
  BackupFileWriter,
  connectJetStreamLog,
  HeldBackByAnother,
  type Log,
} from '@postrider/spool';
import { CommandFailed, exitCodes, say, sayJson } from '../command.js';
import { addressOf, withBus } from '../connection.js';
import { counted, size } from '../table.js';
import { allHeardAfter, Gauges } from './gauges.js';
import { writeManifest, type BackedUpStream, type BackupManifest } from './manifest.js';
import { Progress } from './progress.js';
import { pause, spoolShards } from './store.js';

export interface FolderOptions {
  readonly config: string | undefined;
  readonly folder: string;
  readonly json: boolean;
}

export function backUp({ config: path, folder, json }: FolderOptions): Promise<number> {
  makeEmpty(folder);
  return withBus(path, async (bus, config) => {
    const gauges = new Gauges(bus);
    const log = await connectJetStreamLog(logOptions(config));
    try {
      await pause(allHeardAfter);
      const manifest = await backUpAll(log, { gauges, folder, by: bus.instance });
      const octets = manifest.streams.reduce((sum, stream) => sum + stream.octets, 0);
      const messages = manifest.streams.reduce((sum, stream) => sum + stream.messages, 0);
      const { at, shards, streams } = manifest;
      if (json) sayJson({ folder, at, shards, messages, octets, streams });
      else
        say(
          `${folder}: ${counted(shards.length, 'shard')}, ${counted(messages, 'message')}, ${size(octets)}; what was sent after ${at} would go out again`,
        );
      return exitCodes.done;
    } catch (error) {
      if (error instanceof BackupFailed || error instanceof HeldBackByAnother)
        throw new CommandFailed(error.message);
      throw error;
    } finally {
      gauges.stop();
      await log.close();
    }
  });
}

const logOptions = (config: Config) => ({
  address: addressOf(config),
  name: 'backup',
  replicas: 1,
  maxSizeInOctets: config.spool.max_size,
  // The lease bucket of outside NATS is there in the copies that the operator chose.
  create: hasOwnServer(config),
});

interface Parts {
  readonly gauges: Gauges;
  readonly folder: string;
  readonly by: string;
}

async function backUpAll(log: Log, parts: Parts): Promise<BackupManifest> {
  const at = new Date().toISOString();
  const shards = await spoolShards(log);
  if (shards.length === 0) throw new CommandFailed('there is no shard: nothing to back up');
  const streams: BackedUpStream[] = [];
  for (const shard of shards) streams.push(...(await backUpOne(log, shard, parts)));
  const manifest: BackupManifest = { format: 2, at, version, shards, streams };
  writeManifest(parts.folder, manifest);
  return manifest;
}

async function backUpOne(
  log: Log,
  shard: string,
  { gauges, folder, by }: Parts,
): Promise<readonly BackedUpStream[]> {
  const progress = new Progress();
  const files = new Map<string, BackupFileWriter>();
  const extents = await backUpShard({
    log,
    clock: systemClock,
    shard,
    by,
    heldBack: (revision) => heldBack(gauges, shard, revision),
    take: async (stream, messages) => {
      const file = files.get(stream) ?? (await BackupFileWriter.create(join(folder, stream)));
      files.set(stream, file);
      if (messages.length > 0) await file.write(messages);
      progress.at(stream, file.messages, file.octets);
    },
  });
  const done: BackedUpStream[] = [];
  for (const extent of extents) {
    const file = files.get(extent.stream);
    await file?.close();
    const { messages = 0, octets = 0 } = file ?? {};
    progress.done(extent.stream, messages, octets);
    done.push({ shard, ...extent, messages, octets });
  }
  return done;
}

/** An owner looks every five seconds. */
const heldBackWithin = 30_000;
const lookedAtEvery = 100;

/** A shard that nobody owns needs no answer: who takes it over sees the record before it removes anything. */
async function heldBack(gauges: Gauges, shard: string, revision: number): Promise<void> {
  for (const end = performance.now() + heldBackWithin; performance.now() < end;) {
    const seen = gauges.ofShard(shard).map(({ heldBackBy }) => heldBackBy);
    if (seen.every((by) => typeof by === 'number' && by >= revision)) return;
    await pause(lookedAtEvery);
  }
  throw new BackupFailed(
    `the owner of shard ${shard} does not say that it removes nothing: is it of an older version?`,
  );
}

function makeEmpty(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0)
    throw new CommandFailed(`${folder} is not empty: a backup wants a folder of its own`);
}
