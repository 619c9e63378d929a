/** What stands in a Maildir. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export function mailsIn(maildir: string): readonly string[] {
  const folder = join(maildir, 'new');
  return existsSync(folder)
    ? readdirSync(folder).map((file) => readFileSync(join(folder, file), 'latin1'))
    : [];
}

/** Waits for an event of the outside world; what it waited for is in the error. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  limit = 30_000,
): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) throw new Error(`${what}: not seen within ${limit / 1000} s`);
    await pause(50);
  }
}
