/** The alias table: read from its files, read again when one changes; a bad file leaves the old table in force. */
import { readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { AliasFileError, parseAliasFile } from './alias-file.js';
import type { AliasTable } from './expansion.js';

export interface TableListeners {
  readonly reloaded: (file: string, aliases: number) => void;
  readonly failed: (file: string, text: string) => void;
}

/** An editor writes in several steps. */
const settlesWithin = 150;

export class WatchedTable {
  current: AliasTable;
  readonly #files: readonly string[];
  readonly #listeners: TableListeners;
  readonly #watchers: readonly FSWatcher[];
  #seen: string;
  #timer: NodeJS.Timeout | undefined;

  /** @throws AliasFileError */
  constructor(files: readonly string[], listeners: TableListeners) {
    this.#files = files;
    this.#listeners = listeners;
    this.current = readTable(files);
    this.#seen = this.#signature();
    // The folder: a file that is replaced, or linked anew by a ConfigMap, is another file.
    const folders = new Set(files.map((file) => dirname(file)));
    this.#watchers = [...folders].map((folder) => watch(folder, { persistent: false }, () => this.#soon()));
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reload(), settlesWithin).unref();
  }

  #reload(): void {
    const signature = this.#signature();
    if (signature === this.#seen) return;
    this.#seen = signature;
    const names = this.#files.join(', ');
    try {
      this.current = readTable(this.#files);
      this.#listeners.reloaded(names, this.current.entries.size);
    } catch (error) {
      if (!(error instanceof AliasFileError)) throw error;
      this.#listeners.failed(names, error.message);
    }
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

/** A name in two files: the first file's entry counts. */
function readTable(files: readonly string[]): AliasTable {
  const entries = new Map<string, readonly string[]>();
  for (const file of files)
    for (const { name, members } of parseAliasFile(readFile(file), file))
      if (!entries.has(name)) entries.set(name, members);
  return { entries };
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AliasFileError(
      `${file} can't be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    );
  }
}
