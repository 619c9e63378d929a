/** nats-server's configuration as we ship it (DESIGN §3, §5). */
export interface ServerSettings {
  readonly storeDir: string;
  readonly port: number;
  readonly logFile: string;
  readonly user?: string;
  readonly password?: string;
  readonly maxFileStoreInOctets?: number;
  readonly name?: string;
}

/** Leases live in memory storage, and events on old servers. */
const maxMemoryStore = 512 * 1024 * 1024;
const maxLogSize = 16 * 1024 * 1024;

export function serverSettings(settings: ServerSettings): string {
  const lines = [
    `server_name: ${JSON.stringify(settings.name ?? 'postrider')}`,
    `listen: "127.0.0.1:${settings.port}"`,
    // 1 MiB: a segment fits in one message; larger ones would hold up all others on the connection.
    'max_payload: 1048576',
    'ping_interval: "10s"',
    'ping_max: 2',
    'write_deadline: "5s"',
    `log_file: ${JSON.stringify(settings.logFile)}`,
    `log_size_limit: ${maxLogSize}`,
    'jetstream {',
    `  store_dir: ${JSON.stringify(settings.storeDir)}`,
    // An acknowledgement means: on the disk.
    '  sync_interval: always',
    `  max_memory_store: ${maxMemoryStore}`,
    ...(settings.maxFileStoreInOctets === undefined ? [] : [`  max_file_store: ${settings.maxFileStoreInOctets}`]),
    '}',
  ];
  if (settings.user !== undefined)
    lines.push(`authorization { user: ${JSON.stringify(settings.user)}, password: ${JSON.stringify(settings.password ?? '')} }`);
  return `${lines.join('\n')}\n`;
}
