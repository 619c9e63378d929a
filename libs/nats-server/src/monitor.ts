/** What a server's monitoring port tells and clients are not told: whether an acknowledgement means 'on the disk'. */

export interface MonitorFacts {
  readonly server: string;
  readonly version: string;
  /** JetStream's `sync_interval`: `always`, or every so many milliseconds; undefined where JetStream is off. */
  readonly sync: 'always' | number | undefined;
}

const answersWithin = 5_000;
const nanosecondsPerMillisecond = 1e6;

interface Varz {
  readonly server_name?: string;
  readonly version?: string;
  readonly jetstream?: {
    readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number };
  };
}

/** @param url as in `http://192.0.2.1:8222`; @throws when nothing answers there, or no nats-server */
export async function askMonitor(url: string): Promise<MonitorFacts> {
  const response = await fetch(new URL('/varz', url), { signal: AbortSignal.timeout(answersWithin) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const { server_name: server, version, jetstream } = (await response.json()) as Varz;
  if (server === undefined || version === undefined) throw new Error(`${url} is no nats-server's`);
  const { sync_always: always, sync_interval: interval } = jetstream?.config ?? {};
  const sync =
    always === true
      ? 'always'
      : interval === undefined
        ? undefined
        : Math.round(interval / nanosecondsPerMillisecond);
  return { server, version, sync };
}
