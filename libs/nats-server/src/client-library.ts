/** All that is mended in the client library, in one place. */
import { mendFirstReconnect } from './another-server.js';
import { mendGivenUpDials } from './given-up-dials.js';
import { mendLargePublishes } from './large-publishes.js';
import { mendSplitMessages } from './split-messages.js';

let mended = false;

/** Before each connection; what is mended stays so, and is mended once a process. */
export function mendClientLibrary(): void {
  if (mended) return;
  mended = true;
  mendFirstReconnect();
  mendGivenUpDials();
  mendLargePublishes();
  mendSplitMessages();
}
