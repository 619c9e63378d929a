/** Puts a fetched binary into the cache in one step, whoever else does the same at this moment. */
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface FetchTarget {
  /** Where the binary is to stand. */
  readonly target: string;
  readonly progress: (text: string) => void;
}

export async function install(binary: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const beside = `${target}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await copyFile(binary, beside);
    await chmod(beside, 0o755);
    await rename(beside, target);
  } finally {
    await rm(beside, { force: true });
  }
}
