/**
 * Notices changes of the configuration's files: their folders are watched, which also sees an editor's rename and
 * the exchange of a ConfigMap's `..data`. A bad file leaves the old configuration in force.
 */
import { ConfigError, loadConfig, type LoadedConfig, type LoadOptions } from './load.js';
import { watchFolders } from '../watched-files.js';
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

/** @param loaded what is in force, from the same options */
export function watchConfig(
  loaded: LoadedConfig,
  options: LoadOptions,
  listeners: WatchListeners,
): ConfigWatch {
  let inForce = loaded.config;
  let seen = JSON.stringify(loaded.config);
  let refused = 0;
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
  const stop = watchFolders(loaded.folders, {
    changed: reload,
    failed: (error) => listeners.refused(new Error(`${error.message}; SIGHUP reloads`, { cause: error })),
  });
  return {
    reload,
    stop,
    get refused() {
      return refused;
    },
  };
}
