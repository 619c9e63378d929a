/**
 * Haraka, where it is installed: on the PATH, or where HARAKA says. One process, as it comes from its package, with one
 * plugin of ours.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isInstalled } from '../e2e/peers.js';
import { processTree, type ProcessFigures } from '../process-figures.js';
import { ended } from '../smtp-sink.js';

export interface HarakaOptions {
  readonly port: number;
  /** The text of the plugin. */
  readonly plugin: string;
  /** Files of its folder `config`, by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface RunningHaraka {
  readonly port: number;
  processes(): readonly ProcessFigures[];
  stop(): Promise<void>;
}

/** @returns undefined where it is not installed */
export async function startHaraka(options: HarakaOptions): Promise<RunningHaraka | undefined> {
  const program = process.env['HARAKA'] ?? 'haraka';
  if (!isInstalled(program)) return undefined;
  const parent = mkdtempSync(join(tmpdir(), 'haraka-'));
  const folder = join(parent, 'own');
  // It does not run without the settings that it writes itself.
  execFileSync(program, ['-i', folder], { stdio: 'ignore' });
  const settings = {
    'smtp.ini': `listen=127.0.0.1:${options.port}\nnodes=0\n`,
    me: 'haraka.bench.test\n',
    plugins: 'ours\n',
    loglevel: 'CRIT\n',
    ...options.settings,
  };
  for (const [name, text] of Object.entries(settings)) writeFileSync(join(folder, 'config', name), text);
  writeFileSync(join(folder, 'plugins/ours.js'), options.plugin);
  const child = spawn(program, ['-c', folder], { stdio: 'ignore' });
  await listening(options.port);
  return {
    port: options.port,
    processes: () => processTree(child.pid ?? 0),
    stop: async () => {
      await ended(child);
      rmSync(parent, { recursive: true, force: true });
    },
  };
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    const [event] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'close').then(() => ['close']),
    ]).catch(() => ['close']);
    socket.destroy();
    if (event === 'connect') return;
    await pause(100);
  }
  throw new Error('Haraka does not listen');
}
