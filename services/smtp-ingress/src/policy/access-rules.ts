/**
 * The access rules in force: those of the configuration, then those of the access file, which is read again when it
 * changes. A bad line names itself, and the old rules stay.
 */
import { decidingRule, type AccessFacts, type AccessRule } from '@postrider/mail';
import { readAccessRules, WatchedFiles, type Config, type Logger } from '@postrider/runtime';

export class AccessRules {
  readonly #log: Logger;
  #settings: Config['access'] | undefined;
  #all: readonly AccessRule[] = [];
  #watched: WatchedFiles | undefined;

  /** @throws StartError for a file that can't be read, or holds a bad line */
  constructor(settings: Config['access'], log: Logger) {
    this.#log = log;
    this.#use(settings);
  }

  /** @returns the rule that decides, in no time where there are none */
  decide(facts: AccessFacts): AccessRule | undefined {
    return decidingRule(this.#all, facts);
  }

  /** As long as the name of the client is not known. @returns a rule that decides before any asks for it */
  decideWithoutName(facts: AccessFacts): AccessRule | undefined {
    const first = this.#all.findIndex(({ asksName }) => asksName);
    return decidingRule(first === -1 ? this.#all : this.#all.slice(0, first), facts);
  }

  /** Some rule asks for the name of the client. */
  get askName(): boolean {
    return this.#all.some(({ asksName }) => asksName);
  }

  get areThere(): boolean {
    return this.#all.length > 0;
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
    this.#all = all;
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
