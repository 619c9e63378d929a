/** Services over outside NATS: each group is a process of its own, `postrider run SERVICE…`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildUnderTest } from '@postrider/testing';
import { commandLine, freePort, runCommand, type CommandResult } from './running-postrider.js';

export interface ServicesOptions {
  /** `host:port` */
  readonly servers: readonly string[];
  /** Lines of YAML besides `nats`, the listener and `http`. */
  readonly settings: readonly string[];
}

export interface RunningServices {
  readonly folder: string;
  readonly configFile: string;
  /** Of the listener `mx`. */
  readonly port: number;
  /**
   * Starts a process with these services.
   * @param program the command line of another build
   * @returns it, ready @throws when it ends before
   */
  run(
    services: readonly string[],
    environment?: Readonly<Record<string, string>>,
    program?: string,
  ): Promise<ChildUnderTest>;
  command(...words: readonly string[]): Promise<CommandResult>;
  /** Exchanges the configuration's lines; processes that run follow the hot keys. */
  configure(settings: readonly string[]): void;
  /** SIGTERM to every process, and waits. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

export async function prepareServices({ servers, settings }: ServicesOptions): Promise<RunningServices> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-services-'));
  const configFile = join(folder, 'postrider.yaml');
  const port = await freePort();
  const children: ChildUnderTest[] = [];
  const configure = (lines: readonly string[]): void =>
    writeFileSync(
      configFile,
      [
        'data_dir: ./var',
        `nats: { servers: ${JSON.stringify(servers)} }`,
        `listeners: { mx: { role: mx, listen: ["127.0.0.1:${port}"] } }`,
        'relay: { networks: ["127.0.0.0/8"] }',
        'http: { listen: "" }',
        ...lines,
        '',
      ].join('\n'),
    );
  configure(settings);
  const stop = async (): Promise<void> => {
    await Promise.all(children.splice(0).map((child) => child.stop()));
  };
  return {
    folder,
    configFile,
    port,
    configure,
    async run(services, environment = {}, program = commandLine) {
      const child = new ChildUnderTest({
        command: process.execPath,
        args: [program, 'run', ...services],
        env: { POSTRIDER_CONFIG: configFile, ...environment },
        readyWhen: /"(msg|text)":"ready"|: ready/,
      });
      children.push(child);
      await child.start();
      return child;
    },
    command: (...words) => runCommand(configFile, words),
    stop,
    async remove() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** It waits for servers that were started an instant ago. @throws what it said */
export async function initCluster({ command }: Pick<RunningServices, 'command'>): Promise<void> {
  const { code, stdout, stderr } = await command('cluster', 'init');
  if (code !== 0) throw new Error(`'cluster init' said: ${stdout}${stderr}`);
}
