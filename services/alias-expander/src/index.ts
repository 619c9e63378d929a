/**
 * alias-expander: who a local address is.
 * receives  `resolve` and `page` (libs/protocol alias-expander.ts), as a member of its pool
 * gives     events expanded, reloaded, reload_failed
 * keeps     a snapshot of the alias files
 */
import { aliasExpander } from '@postrider/protocol';
import {
  StartError,
  type Config,
  type RunningService,
  type ServiceContext,
  type ServiceDefinition,
} from '@postrider/runtime';
import { AliasFileError } from './alias-file.js';
import { ListPages, resolve, type LocalUsers } from './expansion.js';
import { WatchedTable } from './table.js';
import { localUsers } from './users.js';

export const service: ServiceDefinition = {
  name: 'alias-expander',
  async start(context) {
    const expander = new AliasExpander(context);
    await expander.start();
    return expander;
  },
};

class AliasExpander implements RunningService {
  readonly #context: ServiceContext;
  readonly #counts = { resolved: 0, reloadsFailed: 0 };
  readonly #pages = new ListPages();
  #table: WatchedTable;
  #users: LocalUsers;
  #hosted: { stop(): Promise<void> } | undefined;

  /** @throws StartError for an alias file that is missing or wrong */
  constructor(context: ServiceContext) {
    this.#context = context;
    this.#users = localUsers(context.config);
    this.#table = this.#read(context.config);
  }

  async start(): Promise<void> {
    const { bus } = this.#context;
    this.#hosted = await bus.host(aliasExpander, () => ({
      handlers: {
        resolve: ({ forwardPath }) => {
          this.#counts.resolved++;
          const answer = resolve(forwardPath, this.#table.current, this.#users);
          if (answer.result === 'expanded')
            bus.publishEvent('alias-expander', 'expanded', { alias: forwardPath, members: answer.members });
          return answer;
        },
        page: (request) => this.#pages.page(request, this.#table.current, this.#users),
      },
    }));
  }

  reconfigured(config: Config): void {
    this.#users = localUsers(config);
    try {
      const table = this.#read(config);
      this.#table.stop();
      this.#table = table;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#failed(config.aliases.files.join(', '), error.message);
    }
  }

  figures(): Readonly<Record<string, unknown>> {
    return { aliases: this.#table.current.entries.size, ...this.#counts };
  }

  async drain(): Promise<void> {
    this.#table.stop();
    await this.#hosted?.stop();
  }

  #read(config: Config): WatchedTable {
    const { bus, log } = this.#context;
    try {
      return new WatchedTable(config.aliases.files, {
        reloaded: (file, aliases) => {
          log.info({ file, aliases }, 'aliases reloaded');
          bus.publishEvent('alias-expander', 'reloaded', { file, aliases });
        },
        failed: (file, text) => this.#failed(file, text),
      });
    } catch (error) {
      if (error instanceof AliasFileError) throw new StartError(error.message);
      throw error;
    }
  }

  #failed(file: string, text: string): void {
    const { bus, log } = this.#context;
    this.#counts.reloadsFailed++;
    log.error({ file, text }, 'bad alias file: the old aliases stay in force');
    bus.publishEvent('alias-expander', 'reload_failed', { file, text });
  }
}
