/** How long the certificates of NATS's servers last, which no client is told: asked now and then. */
import type { Timer } from '@postrider/actor';
import { serverCertificate } from '@postrider/nats-server';
import type { ServiceContext } from '@postrider/runtime';

/** A certificate that was exchanged is seen after so long; milliseconds. */
const askedEvery = 600_000;

export class CertificateWatch {
  readonly #context: Pick<ServiceContext, 'config' | 'clock' | 'log'>;
  /** Milliseconds since the epoch, by `nats/HOST:PORT` as configured. */
  readonly #ends = new Map<string, number>();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(context: Pick<ServiceContext, 'config' | 'clock' | 'log'>) {
    this.#context = context;
    void this.#ask();
  }

  /** Seconds, by certificate; nothing of servers without TLS. */
  left(): Readonly<Record<string, number>> {
    const now = this.#context.clock.now();
    return Object.fromEntries([...this.#ends].map(([name, end]) => [name, Math.floor((end - now) / 1000)]));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    const { config, clock } = this.#context;
    await Promise.all(config.nats.servers.map((server) => this.#askOne(server)));
    if (!this.#isStopped()) this.#timer = clock.after(askedEvery, () => void this.#ask());
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  async #askOne(server: string): Promise<void> {
    const { config, log } = this.#context;
    const name = `nats/${server.replace(/^[a-z]+:\/\//, '')}`;
    try {
      const caFile = config.nats.ca_file === '' ? undefined : config.nats.ca_file;
      const certificate = await serverCertificate(server, caFile);
      if (certificate === undefined) this.#ends.delete(name);
      else this.#ends.set(name, certificate.end);
    } catch (error) {
      // It is away, which other figures say; what was known stays.
      log.warn({ server, problem: String(error) }, "NATS's certificate could not be looked at");
    }
  }
}
