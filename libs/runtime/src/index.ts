export { configSchema, type Config, type Listener } from './config/schema.js';
export {
  StartError,
  type Logger,
  type RunningService,
  type ServiceContext,
  type ServiceDefinition,
} from './service.js';
