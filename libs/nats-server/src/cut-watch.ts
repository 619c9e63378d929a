/**
 * Leaves a NATS server that is cut off from the others while we still reach it: such a server refuses nothing, and what
 * is asked or published there comes to nobody. Whoever misses an answer says so (`suspectCut`), and JetStream is asked
 * every two seconds; then the servers are compared (echo-test.ts), and the connection goes to the side that is larger.
 */
import { Events, type NatsConnection } from 'nats';
import { largerSide } from './echo-test.js';

export interface CutWatchOptions {
  readonly connection: NatsConnection;
  /** As configured; those that the server tells of come to them. */
  readonly servers: readonly string[];
  /** A connection to that one server, once. */
  readonly open: (server: string) => Promise<NatsConnection>;
  /** A new subject that every connection of ours may publish and subscribe to. */
  readonly inbox: () => string;
}

/** JetStream answers each process, whatever its rights, if its leader can be reached. */
const askedEvery = 2_000;
const answersWithin = 1_500;
/** Between two comparisons, which open a connection to each server: an election gives cause for many. */
const comparedEvery = 2_000;
/** Clusters of more servers are compared by some of them. */
const serversAtMost = 9;

const watches = new WeakMap<NatsConnection, CutWatch>();

/** An answer that should have come over the connection did not. */
export function suspectCut(connection: NatsConnection): void {
  void watches.get(connection)?.compare();
}

/** Until the connection is closed. Nothing is done on a server that knows of no other. */
export function watchForCut(options: CutWatchOptions): void {
  watches.set(options.connection, new CutWatch(options));
}

class CutWatch {
  readonly #options: CutWatchOptions;
  #comparedAt = -Infinity;
  #comparing = false;

  constructor(options: CutWatchOptions) {
    this.#options = options;
    const { connection } = options;
    const timer = setInterval(() => void this.#ask(), askedEvery);
    timer.unref();
    void connection.closed().then(() => clearInterval(timer));
  }

  /** Never rejects. */
  async compare(): Promise<void> {
    if (this.#comparing || performance.now() - this.#comparedAt < comparedEvery || this.#isAway()) return;
    this.#comparing = true;
    try {
      await this.#compareAll();
    } catch {
      // Closed meanwhile, or not permitted: it stays where it is.
    } finally {
      this.#comparing = false;
      this.#comparedAt = performance.now();
    }
  }

  async #ask(): Promise<void> {
    if (this.#comparing || this.#isAway() || this.#others().length === 0) return;
    const { connection } = this.#options;
    try {
      await connection.request('$JS.API.INFO', '', { timeout: answersWithin });
    } catch {
      await this.compare();
    }
  }

  async #compareAll(): Promise<void> {
    const { connection, open, inbox } = this.#options;
    const own = connection.info?.server_id;
    const opened = await Promise.all(this.#others().map((server) => open(server).catch(() => undefined)));
    const byServer = new Map<string, NatsConnection>();
    for (const one of opened) if (one?.info !== undefined) byServer.set(one.info.server_id, one);
    byServer.delete(own ?? '');
    const others = [...byServer.values()];
    try {
      if (others.length < 2) return;
      const larger = await largerSide([connection, ...others], inbox());
      const better = new Set(larger.map((place) => others[place - 1]?.info?.server_id));
      if (better.size > 0) await this.#leave(better, others.length + 1);
    } finally {
      for (const one of opened) void one?.close();
    }
  }

  /** The client library goes round all servers that it knows. */
  async #leave(better: ReadonlySet<string | undefined>, tries: number): Promise<void> {
    const { connection } = this.#options;
    for (let n = 0; n < tries && !better.has(connection.info?.server_id); n++) {
      const moved = reconnected(connection);
      await connection.reconnect();
      await moved;
    }
  }

  #others(): readonly string[] {
    const { connection, servers } = this.#options;
    if (connection.isClosed()) return [];
    const all = new Set([...servers, ...(connection.info?.connect_urls ?? [])].map(withoutScheme));
    all.delete(connection.getServer());
    return [...all].slice(0, serversAtMost);
  }

  #isAway(): boolean {
    const { connection } = this.#options;
    return connection.isClosed() || connection.isDraining() || connection.info === undefined;
  }
}

const withoutScheme = (server: string): string => server.replace(/^[a-z]+:\/\//, '');

async function reconnected(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) if (type === Events.Reconnect) return;
}
