import { run } from '@postrider/runtime';
import { service } from './index.js';

await run([service]);
