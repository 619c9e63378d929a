/** `postrider cluster status [--watch]`: listens to gauges, asks owners and JetStream, and shows it. */
import type { Bus } from '@postrider/bus';
import {
  askMonitor,
  ownSyncsAlways,
  watchStreams,
  type MonitorFacts,
  type StreamWatch,
} from '@postrider/nats-server';
import { shard as shardProtocol, times, type StatusRecord } from '@postrider/protocol';
import { hasOwnServer, type Config } from '@postrider/runtime';
import { complain, exitCodes, say, sayJson } from '../command.js';
import { addressOf, withBus } from '../connection.js';
import { allHeardAfter, Gauges } from './gauges.js';
import { clusterStatus, type ClusterStatus, type Heard, type SitesAnswer } from './status.js';
import { statusText } from './status-view.js';

export interface StatusOptions {
  readonly config: string | undefined;
  readonly json: boolean;
  readonly watch: boolean;
  /** Monitoring ports: only these tell how a server syncs. */
  readonly monitors: readonly string[];
}

export function showStatus({ config: path, json, watch, monitors }: StatusOptions): Promise<number> {
  return withBus(path, async (bus, config) => {
    const streams = await watchStreams(addressOf(config), 'postrider command line');
    const ear = new Gauges(bus);
    const stopped = new AbortController();
    process.once('SIGINT', () => stopped.abort());
    try {
      const look = async (): Promise<ClusterStatus> =>
        clusterStatus(await hear(bus, { ear, streams, monitors, config }));
      await passed(allHeardAfter, stopped.signal);
      if (watch) await repaint(look, { json, stopped: stopped.signal });
      else {
        const status = await look();
        if (json) sayJson(status);
        else say(statusText(status, Date.now()));
        if (status.instances.length === 0) complain('no service of ours says that it is there');
        return status.instances.length === 0 ? exitCodes.nothingMatched : exitCodes.done;
      }
      return exitCodes.done;
    } finally {
      ear.stop();
      await streams.close();
    }
  });
}

const home = '\x1b[H';
const toEndOfLine = '\x1b[K';
const toEndOfScreen = '\x1b[J';
const clear = '\x1b[2J';

/** A terminal is painted over; elsewhere one status follows the other. */
async function repaint(
  look: () => Promise<ClusterStatus>,
  { json, stopped }: { readonly json: boolean; readonly stopped: AbortSignal },
): Promise<void> {
  const { stdout } = process;
  if (stdout.isTTY && !json) stdout.write(clear);
  const ended = (): boolean => stopped.aborted;
  while (!ended()) {
    const status = await look();
    if (ended()) return;
    if (json) say(JSON.stringify(status));
    else if (stdout.isTTY) stdout.write(painted(statusText(status, Date.now()), stdout.rows));
    else say(`${status.at}\n${statusText(status, Date.now())}\n`);
    await passed(times.gauge, stopped);
  }
}

/** @param rows of the terminal: what is more is cut, as scrolling would leave half of it behind */
export function painted(text: string, rows: number): string {
  const lines = text.split('\n').slice(0, Math.max(1, rows - 1));
  return home + lines.map((line) => `${line}${toEndOfLine}\n`).join('') + toEndOfScreen;
}

const passed = (time: number, stopped: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, time);
    stopped.addEventListener('abort', done);
    if (stopped.aborted) done();
  });

interface Sources {
  readonly ear: Gauges;
  readonly streams: StreamWatch;
  readonly monitors: readonly string[];
  readonly config: Config;
}

async function hear(bus: Bus, { ear, streams, monitors, config }: Sources): Promise<Heard> {
  const gauges = ear.now();
  const [states, sites, facts] = await Promise.all([
    streams.states().catch(() => undefined),
    sitesOf(bus, gauges),
    Promise.all(monitors.map(monitored)),
  ]);
  const connectedTo = streams.server();
  const own = connectedTo && ownServer(config, connectedTo);
  return {
    at: Date.now(),
    gauges,
    sites,
    streams: states,
    connectedTo,
    monitors: [...facts.flat(), ...(own ? [own] : [])],
  };
}

async function monitored(url: string): Promise<readonly MonitorFacts[]> {
  try {
    return [await askMonitor(url)];
  } catch {
    return [];
  }
}

/** What we wrote into the settings of our own server, it does. */
function ownServer(
  config: Config,
  { name, version }: { readonly name: string; readonly version: string },
): MonitorFacts | undefined {
  return hasOwnServer(config) && ownSyncsAlways(config.data_dir) === true
    ? { server: name, version, sync: 'always' }
    : undefined;
}

async function sitesOf(bus: Bus, gauges: readonly StatusRecord[]): Promise<readonly SitesAnswer[]> {
  const shards = new Set(gauges.flatMap(({ shards: owned }) => Object.keys(owned ?? {})));
  const answers = await Promise.all(
    [...shards].map(async (shard) => {
      try {
        return [{ shard, ...(await bus.ref(shardProtocol, shard).ask('sites', {})) }];
      } catch {
        return [];
      }
    }),
  );
  return answers.flat();
}
