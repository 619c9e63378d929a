/** smtp-ingress alone in another process, from the build: its ports, and its figures when asked. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface IngressFigures {
  readonly residentInOctets: number;
  /** By JavaScript, after a collection. */
  readonly usedInOctets: number;
  /** Sockets, timers and the like that the process holds open. */
  readonly handles: number;
  readonly sessions: number;
  readonly contentHeldInOctets: number;
  /** In the spool, of mails that have no envelope yet. */
  readonly largeContents: number;
  readonly mails: number;
  /** Mails from `forbiddenReversePath`. */
  readonly forbidden: number;
  /** Sessions that ended by one. */
  readonly faults: readonly string[];
}

export type IngressMessage = { readonly ports: readonly number[] } | { readonly figures: IngressFigures };

/** Whoever sends mail from it has smuggled it: it stands in contents only. */
export const forbiddenReversePath = 'smuggled@evil.test';

export interface IngressProcess {
  readonly pid: number;
  /** In the order of the configuration. */
  readonly ports: readonly number[];
  /** @throws when the process is gone, or does not answer for 30 s */
  figures(): Promise<IngressFigures>;
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL('../../dist/conformance/ingress-process.js', import.meta.url));
const answersWithinMilliseconds = 30_000;

/** @param config over that of the conformance tests (running-ingress.ts) */
export async function startIngressProcess(
  config: Readonly<Record<string, unknown>>,
): Promise<IngressProcess> {
  const child = fork(program, [JSON.stringify(config)], { execArgv: ['--expose-gc'] });
  const next = async (): Promise<IngressMessage> => {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), answersWithinMilliseconds);
    const ended = once(child, 'exit', over).then(([code, signal]): never => {
      throw new Error(`smtp-ingress ended: ${String(code ?? signal)}`);
    });
    const message = once(child, 'message', over) as Promise<[IngressMessage]>;
    try {
      return (await Promise.race([message, ended]))[0];
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  };
  const started = await next();
  if (!('ports' in started)) throw new Error('smtp-ingress did not start');
  return {
    pid: child.pid ?? 0,
    ports: started.ports,
    async figures() {
      const answer = next();
      if (!child.connected) throw new Error('smtp-ingress is gone');
      child.send('figures');
      const told = await answer;
      if (!('figures' in told)) throw new Error('no figures');
      return told.figures;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
