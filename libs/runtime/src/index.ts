export { describeConfig, printConfig, type ConfigEntry } from './config/describe.js';
export { hotKeys, type HotKey } from './config/hot-keys.js';
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
export { createLogger } from './logger.js';
export { hasOwnServer, storeSizeInOctets } from './nats.js';
export { run, type ProcessNews, type RunOptions } from './run.js';
export { version } from './version.js';
