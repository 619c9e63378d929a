import type { ServiceDefinition } from '@postrider/runtime';
import { Worker } from './worker.js';

export const service: ServiceDefinition = {
  name: 'outbound-delivery',
  async start(context) {
    const worker = new Worker(context);
    await worker.start();
    return worker;
  },
};
