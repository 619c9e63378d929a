/**
 * smtp-ingress alone in a process of its own, for what is measured or killed there: the spool is in memory, and forgets
 * what it takes. Started by running-ingress-process.ts; ends with its parent.
 *
 *   node --expose-gc ingress-process.js CONFIGURATION
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { MailObject } from '@postrider/mail';
import { startIngress } from './running-ingress.js';
import { forbiddenReversePath, type IngressFigures, type IngressMessage } from './running-ingress-process.js';

let mails = 0;
let forbidden = 0;
const ingress = await startIngress({
  config: JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown>,
  committed({ envelope }: MailObject) {
    mails++;
    if (envelope.reversePath === forbiddenReversePath) forbidden++;
    if (envelope.large) ingress.spool.large.delete(envelope.large.contentId);
  },
});

const tell = (message: IngressMessage): void => void process.send?.(message);

process.on('message', () => void figures().then((told) => tell({ figures: told })));
process.on('disconnect', () => process.exit(0));
tell({ ports: ingress.ports });

/** Memory is told as it is after a collection, and one of what its finalizers let go. */
async function figures(): Promise<IngressFigures> {
  globalThis.gc?.();
  await pause(100);
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { sessions, contentHeldInOctets } = ingress.figures();
  return {
    residentInOctets: rss,
    usedInOctets: heapUsed + external,
    handles: process.getActiveResourcesInfo().length,
    sessions: Number(sessions),
    contentHeldInOctets: Number(contentHeldInOctets),
    largeContents: ingress.spool.large.size,
    mails,
    forbidden,
    faults: ingress.faults.map((fault) => describe(fault)),
  };
}

function describe(fault: unknown): string {
  const { error } = fault as { readonly error?: unknown };
  return error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(fault);
}
