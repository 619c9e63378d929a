import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUserKey } from '@postrider/nats-server';
import { createLogger, hasOwnServer, initCluster } from '@postrider/runtime';
import { shardNames } from '@postrider/spool';
import { natsUsers, type NatsUser } from '../cluster/permissions.js';
import { usersFile } from '../cluster/users-file.js';
import { CommandFailed, exitCodes, say, UsageError, type Command } from '../command.js';
import { configuration } from '../connection.js';
import { parseFlags } from '../flags.js';

export const cluster: Command = {
  name: 'cluster',
  synopsis: 'cluster init | cluster keys DIR [--shards N]',
  summary: 'outside NATS: make the streams; make a key for each service, and the users for nats-server',
  async run(words) {
    const { values, positionals } = parseFlags(words, { shards: { type: 'string' } });
    const [act, folder] = positionals;
    if (act === 'init') return init(values.config);
    if (act !== 'keys' || folder === undefined) throw new UsageError("say 'init', or 'keys' and a folder");
    const shards = Number(values.shards ?? '8');
    if (!Number.isInteger(shards) || shards < 1) throw new UsageError('--shards is a number from 1 on');
    makeKeys(folder, shardNames(shards));
    return exitCodes.done;
  },
};

async function init(path: string | undefined): Promise<number> {
  const { config } = configuration(path);
  if (hasOwnServer(config)) throw new CommandFailed('nats.servers is empty: our own server needs no init');
  try {
    await initCluster(config, createLogger(config.log, { service: 'init' }));
  } catch (error) {
    throw new CommandFailed(error instanceof Error ? error.message : String(error));
  }
  say(`streams of ${config.spool.shards} shards, EVENTS and MTA-LEASES are there`);
  return exitCodes.done;
}

/** `DIR/<user>/nkey` for that service alone, `DIR/nats/users.conf` for nats-server. New keys each time. */
function makeKeys(folder: string, shards: readonly string[]): void {
  const publicKeys: Partial<Record<NatsUser, string>> = {};
  for (const user of natsUsers) {
    const { seed, publicKey } = createUserKey();
    publicKeys[user] = publicKey;
    write(join(folder, user), 'nkey', `${seed}\n`);
  }
  write(join(folder, 'nats'), 'users.conf', usersFile(publicKeys as Record<NatsUser, string>, shards));
  say(`${folder}: keys of ${natsUsers.join(', ')}, and nats/users.conf`);
}

function write(folder: string, name: string, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, name), text, { mode: 0o600 });
}
