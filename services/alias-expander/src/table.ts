/** The alias table: read from its files, read again when one changes; a bad file leaves the old table in force. */
import { readFileSync } from 'node:fs';
import { WatchedFiles } from '@postrider/runtime';
import { AliasFileError, parseAliasFile } from './alias-file.js';
import type { AliasTable } from './expansion.js';

export interface TableListeners {
  readonly reloaded: (file: string, aliases: number) => void;
  readonly failed: (file: string, text: string) => void;
}

export class WatchedTable {
  current: AliasTable;
  readonly #files: readonly string[];
  readonly #listeners: TableListeners;
  readonly #watched: WatchedFiles;

  /** @throws AliasFileError */
  constructor(files: readonly string[], listeners: TableListeners) {
    this.#files = files;
    this.#listeners = listeners;
    this.#watched = new WatchedFiles(files, {
      changed: () => this.#reload(),
      failed: (error) => listeners.failed(files.join(', '), error.message),
    });
    this.current = readTable(files);
    this.#watched.begin();
  }

  stop(): void {
    this.#watched.stop();
  }

  #reload(): void {
    const names = this.#files.join(', ');
    try {
      this.current = readTable(this.#files);
      this.#listeners.reloaded(names, this.current.entries.size);
    } catch (error) {
      if (!(error instanceof AliasFileError)) throw error;
      this.#listeners.failed(names, error.message);
    }
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
