/** Which nats-server will do. Figures: research on JetStream's group commit. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What we fetch, and what every guarantee is tested with. */
export const pinnedVersion = '2.15.1';
/** Older servers have no purge with a single flush, and known losses. One machine is refused below it. */
export const oldestVersion = '2.10.27';

/** @returns `2.15.1` for a binary that is a nats-server and runs here */
export async function versionOf(binary: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 10_000 });
    return /v([0-9]+\.[0-9]+\.[0-9]+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

export function isAtLeast(version: string, wanted: string): boolean {
  const [a, b] = [numbers(version), numbers(wanted)];
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

const numbers = (version: string): number[] => version.split('-')[0]?.split('.').map(Number) ?? [];
