import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createUserKey } from '@postrider/nats-server';
import { createLogger, hasOwnServer, initCluster } from '@postrider/runtime';
import { shardNames } from '@postrider/spool';
import { showStatus } from '../cluster/status-command.js';
import { backUp } from '../cluster/backup.js';
import { changeReplicas, prune } from '../cluster/resize.js';
import { restore } from '../cluster/restore.js';
import { natsUsers, type NatsUser } from '../cluster/permissions.js';
import { usersFile } from '../cluster/users-file.js';
import { CommandFailed, exitCodes, say, UsageError, type Command } from '../command.js';
import { configuration } from '../connection.js';
import { countOf, parseFlags } from '../flags.js';

const flags = {
  shards: { type: 'string' },
  watch: { type: 'boolean', short: 'w' },
  monitor: { type: 'string', multiple: true },
} as const;

export const cluster: Command = {
  name: 'cluster',
  synopsis: [
    'cluster status [--watch] [--monitor URL…]',
    'cluster backup|restore DIR',
    'cluster replicas N',
    'cluster prune',
    'cluster init',
    'cluster keys DIR [--shards N]',
  ],
  summary:
    'who owns what and how it is; all mail that waits into a folder and back;\noutside NATS: its copies and streams, and a key for each service',
  async run(words) {
    const { values, positionals } = parseFlags(words, flags, 2);
    const [act, folder] = positionals;
    switch (act) {
      case 'status':
        return showStatus({
          config: values.config,
          json: values.json === true,
          watch: values.watch === true,
          monitors: (values.monitor ?? []).map(monitorUrl),
        });
      case 'backup':
        return backUp({ config: values.config, folder: named(act, folder), json: values.json === true });
      case 'restore':
        return restore({ config: values.config, folder: named(act, folder), json: values.json === true });
      case 'replicas':
        return changeReplicas(copiesOf(folder), { config: values.config, json: values.json === true });
      case 'prune':
        return prune({ config: values.config, json: values.json === true });
      case 'init':
        return init(values.config);
      case 'keys':
        return keys(named(act, folder), values.shards ?? '8');
      default:
        throw new UsageError(
          'say status, init, prune, replicas and a number, or backup, restore or keys and a folder',
        );
    }
  },
};

function monitorUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new UsageError(`--monitor takes a URL as in http://192.0.2.1:8222, not '${text}'`);
  return text;
}

function copiesOf(text: string | undefined): number {
  if (text !== '1' && text !== '3' && text !== '5') throw new UsageError('replicas are 1, 3 or 5');
  return Number(text);
}

function named(act: string, folder: string | undefined): string {
  if (folder === undefined) throw new UsageError(`name a folder: 'cluster ${act} DIR'`);
  return folder;
}

function keys(folder: string, count: string): number {
  makeKeys(folder, shardNames(countOf('shards', count)));
  return exitCodes.done;
}

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
