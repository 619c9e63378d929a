/** nats-server's configuration as we ship it (DESIGN §3, §5). */
export interface ServerSettings {
  readonly storeDir: string;
  readonly logFile: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** A free one when absent. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly maxFileStoreInOctets?: number;
  readonly name?: string;
  /** With other servers, of which each has a name of its own. */
  readonly cluster?: ClusterSettings;
}

export interface ClusterSettings {
  readonly name: string;
  /** `host:port` where the other servers connect. */
  readonly listen: string;
  /** That of every server, this one among them. */
  readonly routes: readonly string[];
}

/** Leases live in memory storage, and events on old servers. */
const maxMemoryStoreInOctets = 512 * 1024 * 1024;
/** The log and its older parts: 16 MiB at most. */
const logSizeInOctets = 4 * 1024 * 1024;
const logFiles = 4;
/** A segment fits in one message; larger ones would hold up all others on the connection. */
const maxPayloadInOctets = 1024 * 1024;
/** The server chooses. */
const freePort = -1;

export function serverSettings(settings: ServerSettings): string {
  const room =
    settings.maxFileStoreInOctets === undefined ? [] : [`  max_file_store: ${settings.maxFileStoreInOctets}`];
  const access =
    settings.user === undefined
      ? []
      : [
          `authorization { user: ${JSON.stringify(settings.user)}, password: ${JSON.stringify(settings.password ?? '')} }`,
        ];
  const lines = [
    `server_name: ${JSON.stringify(settings.name ?? 'postrider')}`,
    `listen: "${settings.host ?? '127.0.0.1'}:${settings.port ?? freePort}"`,
    `ports_file_dir: ${JSON.stringify(settings.storeDir)}`,
    `max_payload: ${maxPayloadInOctets}`,
    'ping_interval: "10s"',
    'ping_max: 2',
    'write_deadline: "5s"',
    `log_file: ${JSON.stringify(settings.logFile)}`,
    `logfile_size_limit: ${logSizeInOctets}`,
    `logfile_max_num: ${logFiles}`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(settings.storeDir)}`,
    // An acknowledgement means: on the disk.
    '  sync_interval: always',
    `  max_memory_store: ${maxMemoryStoreInOctets}`,
    ...room,
    '}',
    ...access,
    ...clusterLines(settings.cluster),
  ];
  return `${lines.join('\n')}\n`;
}

function clusterLines(cluster: ClusterSettings | undefined): readonly string[] {
  if (cluster === undefined) return [];
  const routes = cluster.routes.map((route) => `    ${JSON.stringify(`nats://${route}`)}`);
  return [
    'cluster {',
    `  name: ${JSON.stringify(cluster.name)}`,
    `  listen: ${JSON.stringify(cluster.listen)}`,
    '  routes: [',
    ...routes,
    '  ]',
    '}',
  ];
}
