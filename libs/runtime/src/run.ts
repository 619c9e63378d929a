/**
 * A process of one or several services, from the configuration to the exit code. Started by a person, by Kubernetes, or
 * by the supervisor of `standalone`, which hears over IPC how it goes.
 */
import { ConfigError, loadConfig, type LoadOptions } from './config/load.js';
import { tellSupervisor } from './process-news.js';
import { RunningProcess } from './running-process.js';
import { StartError, type ServiceDefinition } from './service.js';

export interface RunOptions {
  /** A file or folder; POSTRIDER_CONFIG when absent. */
  readonly config?: string;
}

const exitCodes = { failed: 1, configuration: 2 } as const;
/** A handle that nobody closed must not keep a process that has finished. */
const lingersAtMost = 500;

/** Runs until SIGTERM, SIGINT or the supervisor's end. @returns the exit code, with which the process then ends */
export async function run(services: readonly ServiceDefinition[], options: RunOptions = {}): Promise<number> {
  const code = await runToTheEnd(services, options);
  process.exitCode = code;
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(code), lingersAtMost).unref();
  return code;
}

async function runToTheEnd(services: readonly ServiceDefinition[], options: RunOptions): Promise<number> {
  const path = options.config ?? process.env['POSTRIDER_CONFIG'];
  const loadOptions: LoadOptions = { environment: process.env, ...(path === undefined ? {} : { path }) };
  try {
    return await new RunningProcess(services, loadConfig(loadOptions), loadOptions).run();
  } catch (error) {
    if (error instanceof ConfigError) return failed(error.problems, exitCodes.configuration);
    if (error instanceof StartError) return failed([error.message], exitCodes.failed);
    throw error;
  }
}

/** One line each: by the supervisor where there is one, so that it is said once. */
function failed(lines: readonly string[], exitCode: number): number {
  const told = tellSupervisor({ news: 'failed', text: lines.join('\n'), exitCode });
  if (!told) process.stderr.write(`${lines.map((line) => `postrider: ${line}`).join('\n')}\n`);
  return exitCode;
}
