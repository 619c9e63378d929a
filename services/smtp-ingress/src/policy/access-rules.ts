/**
 * The access rules in force: those of the configuration, then those of the access file, which is read again when it
 * changes. A bad line names itself, and the old rules stay.
 */
import { readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { decidingRule, parseAccessRule, type AccessFacts, type AccessRule } from '@postrider/mail';
import { StartError, type Config, type Logger } from '@postrider/runtime';

/** An editor writes in several steps. */
const settlesWithin = 150;

export class AccessRules {
  readonly #log: Logger;
  #settings: Config['access'] | undefined;
  #fileRules: readonly AccessRule[] = [];
  #all: readonly AccessRule[] = [];
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #seen = '';

  /** @throws StartError for a file that can't be read, or holds a bad line */
  constructor(settings: Config['access'], log: Logger) {
    this.#log = log;
    this.#use(settings);
  }

  /** @returns the rule that decides, in no time where there are none */
  decide(facts: AccessFacts): AccessRule | undefined {
    return decidingRule(this.#all, facts);
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
    const signature = this.#signature();
    if (signature === this.#seen || !this.#settings) return;
    this.#seen = signature;
    this.reconfigured(this.#settings);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #use(settings: Config['access']): void {
    const { file, rules } = settings;
    this.#fileRules = file === '' ? [] : readRules(file);
    if (this.#settings?.file !== file) this.#watch(file);
    this.#settings = settings;
    this.#seen = this.#signature();
    this.#all = [...rules, ...this.#fileRules];
    if (file !== '') this.#log.info({ file, rules: this.#fileRules.length }, 'access rules read');
  }

  /** The folder: a file that is replaced, or linked anew by a ConfigMap, is another file. */
  #watch(file: string): void {
    this.stop();
    if (file === '') return;
    this.#watcher = watch(dirname(file), { persistent: false }, () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.reload(), settlesWithin).unref();
    });
  }

  /** Changes when the file's content may have. */
  #signature(): string {
    const { ino, size, mtimeMs } = statSync(this.#settings?.file ?? '', { throwIfNoEntry: false }) ?? {};
    return `${ino ?? ''} ${size ?? ''} ${mtimeMs ?? ''}`;
  }
}

function readRules(file: string): readonly AccessRule[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(`access.file: ${error instanceof Error ? error.message : String(error)}`);
  }
  return text.split(/\r?\n/).flatMap((line, n) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const rule = parseAccessRule(line);
    if ('error' in rule) throw new StartError(`${file}:${n + 1}: ${rule.error}`);
    return [rule];
  });
}
