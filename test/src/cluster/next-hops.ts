/**
 * Where the cluster test's mail goes: counting sinks that behave as next hops do, and the book of what came. A mail to
 * `gone.test` counts as arrived when its DSN is in the sender's sink.
 */
import {
  defaultMarkerHeader,
  startNameserver,
  startSink,
  type Nameserver,
  type Sink,
  type SinkOptions,
} from '@postrider/testing';

const behaviours: Readonly<Record<string, SinkOptions>> = {
  'steady.test': {},
  // So that mail is in flight whenever something dies.
  'slow.test': { rules: { '*': [{ at: 'dot', delay: 30 }] } },
  'grey.test': { rules: { '*': [{ at: 'rcpt', reply: '451 4.7.1 Greylisted, try again', times: 1 }] } },
  'gone.test': { rules: { '*': [{ at: 'rcpt', reply: '550 5.1.1 No such user here' }] } },
  'load.test': { keepMails: true },
};
export const domains = Object.keys(behaviours);

/** The local domain, whose only user is an alias of one at steady.test. */
export const localDomain = 'cluster.test';
export const aliasFile = 'via: via@steady.test\n';

/** The mix: of twenty mails eleven go straight on, four to a slow hop, two by an alias, two are greylisted, one fails. */
export function recipient(number: number): string {
  const place = number % 20;
  if (place < 11) return 'to@steady.test';
  if (place < 15) return 'to@slow.test';
  if (place < 17) return `via@${localDomain}`;
  return place < 19 ? `to${number}@grey.test` : 'to@gone.test';
}

export interface Arrival {
  /** `performance.now()` of the first copy. */
  readonly at: number;
  /** The domain of the sink that took it. */
  readonly domain: string;
}

export class NextHops {
  /** How often each marker came, over all sinks. */
  readonly received = new Map<string, number>();
  readonly arrivals = new Map<string, Arrival>();
  readonly #sinks = new Map<string, Sink>();
  readonly #mostOpen = new Map<string, number>();
  #nameserver: Nameserver | undefined;

  async start(): Promise<void> {
    for (const [domain, options] of Object.entries(behaviours)) {
      const sink = await startSink({
        name: `mx.${domain}`,
        ...options,
        taken: ({ marker }) => this.#took(domain, marker),
        connected: (open) => this.#mostOpen.set(domain, Math.max(open, this.#mostOpen.get(domain) ?? 0)),
      });
      this.#sinks.set(domain, sink);
    }
    const names = domains.map((domain) => [`mx.${domain}`, { a: ['127.0.0.1'] }] as const);
    this.#nameserver = await startNameserver(Object.fromEntries(names));
  }

  get nameserver(): string {
    return this.#nameserver?.address ?? '';
  }

  /** Lines of YAML, one a domain. */
  routes(): readonly string[] {
    return [...this.#sinks].map(([domain, { port }]) => `  ${domain}: "smtp://mx.${domain}:${port}"`);
  }

  /** The most connections that one site had open at once since the last call. */
  mostOpen(): number {
    const most = Math.max(0, ...this.#mostOpen.values());
    for (const [domain, sink] of this.#sinks) this.#mostOpen.set(domain, sink.connections().open);
    return most;
  }

  /** Connections open at each. */
  openNow(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#sinks].map(([domain, sink]) => [domain, sink.connections().open]));
  }

  violations(): readonly string[] {
    return [...this.#sinks.values()].flatMap((sink) => sink.report().violations);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#sinks.values()].map((sink) => sink.stop()));
    await this.#nameserver?.stop();
  }

  #took(domain: string, marker: string): void {
    // A DSN has no marker of its own: the header of the mail that it is about stands in it (RFC 3462 §2).
    const returned = new RegExp(`^${defaultMarkerHeader}: (\\S+)`, 'm');
    const about =
      domain === 'load.test'
        ? returned.exec(this.#sinks.get(domain)?.mails.at(-1)?.content ?? '')?.[1]
        : marker;
    if (about === undefined) return;
    this.received.set(about, (this.received.get(about) ?? 0) + 1);
    if (!this.arrivals.has(about)) this.arrivals.set(about, { at: performance.now(), domain });
  }
}
