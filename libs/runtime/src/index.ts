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
