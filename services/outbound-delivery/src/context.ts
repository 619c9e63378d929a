/** What the parts of this service need of their surroundings. */
import type { Clock } from '@postrider/actor';
import type { Logger } from '@postrider/runtime';

export type { Clock, Logger };
