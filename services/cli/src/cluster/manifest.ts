/** `manifest.json` of a backup: written last, so that a folder without it is no backup. */
import { openSync, closeSync, fsyncSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed } from '../command.js';

export interface BackupManifest {
  /** 1 had nothing of QUARANTINE. */
  readonly format: 1 | 2;
  /** RFC 3339: mail of later is not in it, and what was sent later goes out again once released. */
  readonly at: string;
  /** Of Postrider. */
  readonly version: string;
  readonly shards: readonly string[];
  readonly streams: readonly BackedUpStream[];
}

export interface BackedUpStream {
  readonly shard: string;
  /** Also the file's name. */
  readonly stream: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly messages: number;
  /** Of payloads. */
  readonly octets: number;
}

const name = 'manifest.json';

export function writeManifest(folder: string, manifest: BackupManifest): void {
  const unfinished = join(folder, `${name}.new`);
  const file = openSync(unfinished, 'wx', 0o600);
  writeSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(unfinished, join(folder, name));
  const parent = openSync(folder, 'r');
  fsyncSync(parent);
  closeSync(parent);
}

/** @throws CommandFailed for a folder that is no backup, or one of a newer version */
export function readManifest(folder: string): BackupManifest {
  let found: Partial<BackupManifest> & { readonly format?: number };
  try {
    found = JSON.parse(readFileSync(join(folder, name), 'utf8')) as typeof found;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`${folder} is no backup, or one that did not end: ${why}`);
  }
  const { format, at, version, shards, streams } = found;
  if (format !== 1 && format !== 2)
    throw new CommandFailed(`${folder}: format ${String(format)}; this version knows 1 and 2`);
  if (at === undefined || version === undefined || !Array.isArray(shards) || !Array.isArray(streams))
    throw new CommandFailed(`${folder}: ${name} is damaged`);
  return { format, at, version, shards, streams };
}
