export { readAccessRules } from './access-rules.js';
export { cannotListen } from './cannot-listen.js';
export { corkForTurn } from './cork.js';
export { dial, type Dialled, type Proxy } from './dial.js';
export { outboundProxy } from './config/outbound-proxy.js';
export { describeConfig, printConfig, type ConfigEntry } from './config/describe.js';
export { hotKeys, type HotKey } from './config/hot-keys.js';
export { authMode } from './config/listener.js';
export { ConfigError, loadConfig, type LoadedConfig, type LoadOptions } from './config/load.js';
export { configSchema, type Config, type Listener } from './config/schema.js';
export {
  StartError,
  type Logger,
  type RunningService,
  type ServiceContext,
  type ServiceDefinition,
} from './service.js';
export { loadService, runnableServices } from './load-service.js';
export { metricsContentType, metricsOf } from './http/metrics.js';
export { metricTable, type MetricRow } from './http/metric-table.js';
export type { Page } from './http/server.js';
export { createLogger } from './logger.js';
export { hasOwnServer, initCluster, outsideAddress, replicasOf, storeSizeInOctets } from './nats.js';
export { endedInstancesVariable, type ProcessNews } from './process-news.js';
export { run, type RunOptions } from './run.js';
export { selfSigned, type Certificate } from './self-signed.js';
export { listenForSignals, type SignalListeners } from './signals.js';
export { WatchedFiles } from './watched-files.js';
export { version } from './version.js';
