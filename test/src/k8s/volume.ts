/**
 * A ConfigMap or Secret in a pod's folder as the kubelet writes it: the files in a folder with the time in its name, `..data` a
 * link to that, and each name a link through it. A new version is a new folder, to which `..data` is moved at once.
 */
import {
  chownSync,
  lchownSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export type VolumeFiles = ReadonlyMap<string, string>;

/** @param group the pod's fsGroup: files are root's, and the group may read; undefined: they are ours, and only we may */
export function writeVolume(folder: string, files: VolumeFiles, group: number | undefined): void {
  const version = `..${new Date().toISOString().replaceAll(/[:T]/g, '_')}${process.hrtime.bigint()}`;
  const target = join(folder, version);
  mkdirSync(target, { recursive: true });
  for (const [name, text] of files) writeOwned(join(target, name), text, group);
  const data = join(folder, '..data');
  const old = linkOf(data);
  symlinkSync(version, `${data}_tmp`);
  renameSync(`${data}_tmp`, data);
  if (old === undefined)
    for (const name of files.keys()) symlinkSync(join('..data', name), join(folder, name));
  else rmSync(join(folder, old), { recursive: true });
  if (group !== undefined) for (const path of [folder, target]) lchownSync(path, 0, group);
}

/** One file of a volume (`subPath`): a copy that no new version ever reaches. */
export function writeSubPath(path: string, text: string, group: number | undefined): void {
  mkdirSync(dirname(path), { recursive: true });
  writeOwned(path, text, group);
}

function writeOwned(path: string, text: string, group: number | undefined): void {
  writeFileSync(path, text, { mode: group === undefined ? 0o400 : 0o440 });
  if (group !== undefined) chownSync(path, 0, group);
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
