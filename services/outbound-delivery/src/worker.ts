/** The worker: opens channels for whoever asks, until it is full or drains; beats with what it holds. */
import { hostname as systemName } from 'node:os';
import type { Actor } from '@postrider/actor';
import type { Hosted } from '@postrider/bus';
import {
  channel as channelProtocol,
  outboundDelivery,
  shard as shardProtocol,
  times,
  type Job,
  type OpenAnswer,
  type OpenChannel,
  type RecipientOutcome,
} from '@postrider/protocol';
import type { RunningService, ServiceContext } from '@postrider/runtime';
import { Channel, type Delivery } from './channel.js';
import { deliverBySmtp } from './deliver-smtp.js';
import { deliverToMaildirs, discard } from './deliver-here.js';

/** Contents held at once: more is refused until some are gone. */
const heldOctetsLimit = 64 * 1024 * 1024;

interface HostedChannel {
  readonly channel: Channel;
  readonly hosted: Hosted;
}

export class Worker implements RunningService {
  readonly #context: ServiceContext;
  readonly #channels = new Map<string, HostedChannel>();
  readonly #epochs = new Map<string, number>();
  readonly #counts: Record<RecipientOutcome['outcome'], number> = {
    delivered: 0,
    relayed: 0,
    temporary: 0,
    permanent: 0,
    unknown: 0,
    untried: 0,
  };
  #pool: Hosted | undefined;
  #paused = false;
  #draining = false;
  #opened = 0;
  #beat: NodeJS.Timeout | undefined;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  async start(): Promise<void> {
    this.#pool = await this.#context.bus.host(outboundDelivery, () => ({
      handlers: { open: (request) => this.#open(request) },
    }));
    this.#beat = setInterval(() => this.#tellHolds(), times.beat);
  }

  figures(): Readonly<Record<string, unknown>> {
    return {
      channels: this.#channels.size,
      opened: this.#opened,
      heldOctets: this.#heldOctets(),
      ...this.#counts,
    };
  }

  async drain(): Promise<void> {
    this.#draining = true;
    if (!this.#paused) this.#pool?.pause();
    const channels = [...this.#channels.values()].map(({ channel }) => channel);
    for (const channel of channels) channel.drain();
    while (this.#channels.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all(channels.map((channel) => channel.written()));
    clearInterval(this.#beat);
  }

  async #open(request: OpenChannel): Promise<OpenAnswer> {
    const { bus, clock, log } = this.#context;
    if (this.#isStale(request.shard, request.epoch))
      return { result: 'refused', text: `epoch ${request.epoch} is over` };
    const id = `${bus.instance}-${this.#opened++}`;
    const channel = new Channel(
      {
        bus,
        clock,
        log,
        id,
        request,
        ended: () => void this.#ended(id),
        counted: (outcome, recipients) => (this.#counts[outcome] += recipients),
      },
      times.channelIdle,
    );
    const hosted = await bus.host(channelProtocol, () => this.#behaviour(channel), { key: id });
    this.#channels.set(id, { channel, hosted });
    this.#joinOrLeave();
    void channel.run(this.#deliveryOf(request));
    return { result: 'opened', channel: id, worker: bus.instance };
  }

  #behaviour(channel: Channel): Actor<(typeof channelProtocol)['messages']> {
    return {
      handlers: {
        jobs: ({ shard, epoch, jobs }) => {
          if (this.#isStale(shard, epoch)) return { result: 'refused', text: `epoch ${epoch} is over` };
          if (this.#heldOctets() > heldOctetsLimit)
            return { result: 'refused', text: 'this worker holds enough' };
          return channel.take(jobs)
            ? { result: 'taken' }
            : { result: 'refused', text: 'the channel is closing' };
        },
        holds: () => ({ ids: channel.holds() }),
        close: () => channel.close(),
      },
    };
  }

  #deliveryOf({ destination, shard }: OpenChannel): Delivery {
    const { config, spool } = this.#context;
    const largeContent = (job: Job): AsyncIterable<Uint8Array> => {
      if (!job.envelope.large) throw new Error(`mail ${job.id} came without content`);
      return spool.largeContent(shard, job.envelope.large);
    };
    const hostname = config.hostname === '' ? systemName() : config.hostname;
    switch (destination.kind) {
      case 'maildir':
        return deliverToMaildirs(destination.folder, hostname, largeContent);
      case 'discard':
        return discard;
      case 'smtp':
      case 'lmtp': {
        const { ehlo, families, tls } = config.outbound;
        return deliverBySmtp(destination, {
          ehlo: ehlo === '' ? hostname : ehlo,
          families,
          tls: tls === 'opportunistic',
          largeContent,
        });
      }
    }
  }

  /** An owner of an earlier epoch has lost its shard: nothing of it is done any more. */
  #isStale(shard: string, epoch: number): boolean {
    const known = this.#epochs.get(shard) ?? 0;
    if (epoch > known) this.#epochs.set(shard, epoch);
    return epoch < known;
  }

  async #ended(id: string): Promise<void> {
    const entry = this.#channels.get(id);
    // Its subject stays until the results are written: the owner may ask what it holds.
    await entry?.channel.written();
    this.#channels.delete(id);
    this.#joinOrLeave();
    await entry?.hosted.stop();
  }

  /** A full worker leaves the pool, so that another answers. */
  #joinOrLeave(): void {
    const full = this.#channels.size >= this.#context.config.outbound.channels;
    if (full === this.#paused || this.#draining || !this.#pool) return;
    this.#paused = full;
    if (full) this.#pool.pause();
    else this.#pool.resume();
  }

  #tellHolds(): void {
    const { bus } = this.#context;
    const all = [...this.#channels.values()].map(({ channel }) => channel);
    for (const shard of new Set(all.map(({ request }) => request.shard))) {
      const own = all.filter(({ request }) => request.shard === shard);
      const channels = own.map((channel) => ({ channel: channel.id, ids: channel.holds() }));
      bus.ref(shardProtocol, shard).tell('beat', { worker: bus.instance, channels });
    }
  }

  #heldOctets(): number {
    let octets = 0;
    for (const { channel } of this.#channels.values()) octets += channel.heldOctets;
    return octets;
  }
}
