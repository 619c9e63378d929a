export type { EnhancedStatus, Reply } from './reply.js';
