/**
 * The access rules in force: those of the configuration, then those of the access file, which is read again when it
 * changes. A bad line names itself, and the old rules stay.
 */
import type { AccessRule } from '@postrider/mail';
import { readAccessRules, WatchedFiles, type Config, type Logger } from '@postrider/runtime';

/** In the order in which they are asked, so that the client's name is looked up only when none before decides. */
export interface RulesInForce {
  readonly beforeName: readonly AccessRule[];
  /** From the first that asks for the name on. */
  readonly fromName: readonly AccessRule[];
}

const none: RulesInForce = { beforeName: [], fromName: [] };

export class AccessRules {
  readonly #log: Logger;
  #settings: Config['access'] | undefined;
  #inForce: RulesInForce = none;
  #watched: WatchedFiles | undefined;

  /** @throws StartError for a file that can't be read, or holds a bad line */
  constructor(settings: Config['access'], log: Logger) {
    this.#log = log;
    this.#use(settings);
  }

  get inForce(): RulesInForce {
    return this.#inForce;
  }

  get areThere(): boolean {
    return this.#inForce !== none;
  }

  /** The configuration changed. */
  reconfigured(settings: Config['access']): void {
    try {
      this.#use(settings);
    } catch (error) {
      this.#log.error({ problem: String(error) }, 'bad access rules: the old ones stay');
    }
  }

  /** Reads the file, if it has changed. */
  reload(): void {
    this.#watched?.check();
  }

  stop(): void {
    this.#watched?.stop();
  }

  #use(settings: Config['access']): void {
    const { file } = settings;
    const isAnother = this.#settings?.file !== file;
    const watched = isAnother ? this.#watchedFile(file) : this.#watched;
    const all = readAccessRules(settings);
    if (isAnother) {
      this.stop();
      watched?.begin();
      this.#watched = watched;
    }
    this.#settings = settings;
    this.#inForce = all.length === 0 ? none : inForce(all);
    if (file !== '') this.#log.info({ file, rules: all.length - settings.rules.length }, 'access rules read');
  }

  #watchedFile(file: string): WatchedFiles | undefined {
    if (file === '') return undefined;
    return new WatchedFiles([file], {
      changed: () => {
        if (this.#settings) this.reconfigured(this.#settings);
      },
      failed: (error) => this.#log.error({ file, problem: error.message }, 'access rules are not watched'),
    });
  }
}

function inForce(rules: readonly AccessRule[]): RulesInForce {
  const first = rules.findIndex(({ asksName }) => asksName);
  const end = first === -1 ? rules.length : first;
  return { beforeName: rules.slice(0, end), fromName: rules.slice(end) };
}
