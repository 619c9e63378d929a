/** Makes a folder's entries durable. Those who ask while a sync is under way share the next one: group commit. */
import { open } from 'node:fs/promises';

export class FolderSync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** Resolves when all entries made before the call are on disk. */
  sync(folder: string): Promise<void> {
    const running = this.#running.get(folder);
    if (running === undefined) return this.#start(folder);
    let next = this.#next.get(folder);
    if (next === undefined) {
      next = running.catch(() => undefined).then(() => this.#start(folder));
      this.#next.set(folder, next);
    }
    return next;
  }

  #start(folder: string): Promise<void> {
    this.#next.delete(folder);
    const done = syncFolder(folder).finally(() => {
      if (this.#running.get(folder) === done) this.#running.delete(folder);
    });
    this.#running.set(folder, done);
    return done;
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
