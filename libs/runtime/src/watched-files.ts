/**
 * Files that count as soon as they change. Their folders are watched: a file that is replaced by an editor's rename, or
 * linked anew by a ConfigMap's `..data`, is another file.
 */
import { statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

export interface WatchListener {
  readonly changed: () => void;
  /** A folder can't be watched, or not any longer: what was read stays. */
  readonly failed: (error: Error) => void;
}

/** Files are written in several steps, and those of one change belong together; milliseconds. */
const settlesWithin = 150;

/** Tells when the folders have been quiet again after a change. @returns what ends it */
export function watchFolders(folders: Iterable<string>, { changed, failed }: WatchListener): () => void {
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(changed, settlesWithin).unref();
  };
  const watchers = [...new Set(folders)].flatMap((folder) => watched(folder, soon, failed));
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

function watched(folder: string, soon: () => void, failed: (error: Error) => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, soon);
    watcher.on('error', failed);
    return [watcher];
  } catch (error) {
    failed(new Error(`${folder} can't be watched: ${String(error)}`, { cause: error }));
    return [];
  }
}

export class WatchedFiles {
  readonly #files: readonly string[];
  readonly #listener: WatchListener;
  #seen: string;
  #stop: () => void = () => undefined;

  /** What is read after this and changes later is told of, once it has begun. */
  constructor(files: readonly string[], listener: WatchListener) {
    this.#files = files;
    this.#listener = listener;
    this.#seen = this.#signature();
  }

  begin(): void {
    const folders = this.#files.map((file) => dirname(file));
    const { failed } = this.#listener;
    this.#stop = watchFolders(folders, { changed: () => this.check(), failed });
  }

  /** Looks now. */
  check(): void {
    const signature = this.#signature();
    if (signature === this.#seen) return;
    this.#seen = signature;
    this.#listener.changed();
  }

  stop(): void {
    this.#stop();
  }

  /** Changes when a file's content may have. */
  #signature(): string {
    return this.#files
      .map((file) => {
        const { ino, size, mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? {};
        return `${ino ?? ''} ${size ?? ''} ${mtimeMs ?? ''}`;
      })
      .join(' ');
  }
}
