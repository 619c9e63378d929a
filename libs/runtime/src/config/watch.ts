/**
 * Notices changes of the configuration's files: their folders are watched, which also sees an editor's rename and
 * the exchange of a ConfigMap's `..data`. A bad file leaves the old configuration in force.
 */
import { watch, type FSWatcher } from 'node:fs';
import { ConfigError, loadConfig, type LoadedConfig, type LoadOptions } from './load.js';
import { applyHotKeys, type HotChange } from './hot-keys.js';

export interface ConfigWatch {
  /** Reads the files now: SIGHUP. */
  reload(): void;
  stop(): void;
  /** Reloads that were refused so far. */
  readonly refused: number;
}

export interface WatchListeners {
  readonly changed: (change: HotChange) => void;
  readonly refused: (error: Error) => void;
}

/** Files are written in several steps; those of one change belong together. */
const settlesWithin = 150;

/** @param loaded what is in force, from the same options */
export function watchConfig(
  loaded: LoadedConfig,
  options: LoadOptions,
  listeners: WatchListeners,
): ConfigWatch {
  let inForce = loaded.config;
  let seen = JSON.stringify(loaded.config);
  let refused = 0;
  let timer: NodeJS.Timeout | undefined;
  const reload = (): void => {
    try {
      const next = loadConfig(options).config;
      if (JSON.stringify(next) === seen) return;
      seen = JSON.stringify(next);
      const change = applyHotKeys(inForce, next);
      inForce = change.config;
      listeners.changed(change);
    } catch (error) {
      refused++;
      listeners.refused(error instanceof ConfigError ? error : new Error(String(error)));
    }
  };
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(reload, settlesWithin);
    timer.unref();
  };
  const watchers = loaded.folders.flatMap((folder) => watched(folder, soon, listeners.refused));
  return {
    reload,
    stop: () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
    get refused() {
      return refused;
    },
  };
}

function watched(folder: string, soon: () => void, failed: (error: Error) => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, soon);
    watcher.on('error', failed);
    return [watcher];
  } catch (error) {
    failed(new Error(`${folder} can't be watched: ${String(error)}; SIGHUP reloads`, { cause: error }));
    return [];
  }
}
