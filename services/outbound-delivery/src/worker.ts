/**
 * The worker: opens channels for whoever asks, until it is full or drains, and tells a new owner who asks what it holds.
 * Receives `open` for the pool, its own `holds`, and `jobs`, `holds` and `close` for each channel; gives beats
 * (heartbeat.ts) and, by its channels, reports.
 */
import { hostname as systemName } from 'node:os';
import type { Actor } from '@postrider/actor';
import type { Hosted } from '@postrider/bus';
import {
  channel as channelProtocol,
  outboundDelivery,
  shard as shardProtocol,
  worker as workerProtocol,
  type Destination,
  type HeldChannel,
  type OpenAnswer,
  type OpenChannel,
  type RecipientOutcome,
} from '@postrider/protocol';
import { outboundProxy, type Config, type RunningService, type ServiceContext } from '@postrider/runtime';
import { Channel, type EarlyEnd } from './channel.js';
import type { Delivery, LargeContentReader } from './delivery.js';
import { Heartbeat } from './heartbeat.js';
import { maildirs } from './local/deliver-maildir.js';
import { discard, LocalDelivery } from './local/local-delivery.js';
import { ReportLane } from './report-lane.js';
import { DeadAddresses } from './smtp/dead-addresses.js';
import { SmtpDelivery } from './smtp/smtp-delivery.js';
import { Trust } from './smtp/trust.js';

/** Contents held at once by all channels; jobs beyond it are refused. */
const heldOctetsLimit = 64 * 1024 * 1024;
/** From here on another worker should answer `open`, since what is open already may still grow; until half is gone. */
const heldOctetsFull = heldOctetsLimit / 2;
const heldOctetsEased = heldOctetsFull / 2;
/** Of the shutdown time, for mails under way; the rest is for their results to be written. */
const shareForMails = 0.6;

/** How often, and how far apart: a shard may be without an owner at the start. */
const toldEnded = 3;
const toldEndedAgainAfter = 2_000;

interface HostedChannel {
  readonly channel: Channel;
  readonly hosted: Hosted;
}

export class Worker implements RunningService {
  readonly #context: ServiceContext;
  readonly #channels = new Map<string, HostedChannel>();
  /** By shard, the highest seen. */
  readonly #epochs = new Map<string, number>();
  readonly #lanes = new Map<string, ReportLane>();
  readonly #dead: DeadAddresses;
  readonly #trust: Trust;
  readonly #heartbeat: Heartbeat;
  readonly #counts: Record<RecipientOutcome['outcome'], number> = {
    delivered: 0,
    relayed: 0,
    temporary: 0,
    permanent: 0,
    unknown: 0,
    untried: 0,
  };
  #config: Config;
  #pool: Hosted | undefined;
  #self: Hosted | undefined;
  #paused = false;
  #draining = false;
  #opened = 0;
  #heldOctets = 0;
  #stopped = false;
  #allEnded: (() => void) | undefined;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#config = context.config;
    this.#dead = new DeadAddresses(context.clock);
    this.#trust = new Trust(context.log);
    const { bus, clock } = context;
    this.#heartbeat = new Heartbeat({
      bus,
      clock,
      held: (shard) => this.#heldFor(shard),
      unheard: (shard) => this.#endOf('unheard', ({ request }) => request.shard === shard),
    });
  }

  async start(): Promise<void> {
    const { bus } = this.#context;
    this.#self = await bus.host(
      workerProtocol,
      () => ({ handlers: { holds: (asked) => this.#holds(asked) } }),
      {
        key: bus.instance,
      },
    );
    this.#pool = await this.#context.bus.host(outboundDelivery, () => ({
      handlers: {
        open: (request) =>
          this.#draining ? { result: 'refused', text: 'this worker drains' } : this.#open(request),
      },
    }));
    await this.#tellEnded();
  }

  figures(): Readonly<Record<string, unknown>> {
    const states = { connecting: 0, idle: 0, busy: 0, ending: 0 };
    for (const { channel } of this.#channels.values()) states[channel.state]++;
    return {
      channels: this.#channels.size,
      channelsAtMost: this.#config.outbound.channels,
      channelsConnecting: states.connecting,
      channelsIdle: states.idle,
      channelsBusy: states.busy,
      channelsEnding: states.ending,
      opened: this.#opened,
      heldOctets: this.#heldOctets,
      ...this.#counts,
    };
  }

  reconfigured(config: Config): void {
    this.#config = config;
    this.#joinOrLeave();
  }

  async drain(): Promise<void> {
    this.#draining = true;
    this.#joinOrLeave();
    this.#endOf('draining', () => true);
    const late = this.#context.clock.after(this.#config.shutdown_timeout * shareForMails, () => {
      for (const { channel } of this.#channels.values()) channel.abandon();
    });
    if (this.#channels.size > 0) await new Promise<void>((resolve) => (this.#allEnded = resolve));
    late.cancel();
    this.#stopped = true;
    this.#heartbeat.stop();
    await this.#pool?.stop();
    await this.#self?.stop();
  }

  async #open(request: OpenChannel): Promise<OpenAnswer> {
    const { bus, clock, log } = this.#context;
    const { shard, epoch } = request;
    if (this.#isStale(shard, epoch)) return { result: 'refused', text: `epoch ${epoch} is over` };
    const id = `${bus.instance}-${this.#opened++}`;
    const channel = new Channel({
      bus,
      clock,
      log,
      id,
      request,
      delivery: this.#deliveryTo(request.destination, shard),
      lane: this.#laneTo(shard),
      weighed: (octets) => {
        this.#heldOctets += octets;
        this.#joinOrLeave();
      },
      counted: (outcome, recipients) => (this.#counts[outcome] += recipients),
    });
    const hosted = await bus.host(channelProtocol, () => this.#behaviourOf(channel), { key: id });
    // A new owner asked what is held meanwhile, and was not told of this one.
    if (this.#isStale(shard, epoch)) {
      await hosted.stop();
      return { result: 'refused', text: `epoch ${epoch} is over` };
    }
    this.#channels.set(id, { channel, hosted });
    void this.#heartbeat.begin(shard);
    this.#joinOrLeave();
    if (this.#draining) channel.endEarly('draining');
    void this.#runToEnd(channel, hosted);
    return { result: 'opened', channel: id, worker: bus.instance };
  }

  #behaviourOf(channel: Channel): Actor<(typeof channelProtocol)['messages']> {
    return {
      handlers: {
        jobs: ({ shard, epoch, jobs }) => {
          if (this.#isStale(shard, epoch)) return { result: 'refused', text: `epoch ${epoch} is over` };
          if (this.#heldOctets > heldOctetsLimit)
            return { result: 'refused', text: `this worker holds ${this.#heldOctets} octets` };
          const text = channel.accept(jobs);
          return text === undefined ? { result: 'taken' } : { result: 'refused', text };
        },
        holds: () => ({ ids: channel.holds() }),
        close: ({ epoch }) => {
          if (!this.#isStale(channel.request.shard, epoch)) channel.close();
        },
      },
    };
  }

  /** Its subject stays until its results are written: the owner may ask what it holds. */
  async #runToEnd(channel: Channel, hosted: Hosted): Promise<void> {
    await channel.run();
    this.#channels.delete(channel.id);
    this.#joinOrLeave();
    await hosted.stop();
    if (this.#channels.size === 0) this.#allEnded?.();
  }

  #deliveryTo(destination: Destination, shard: string): Delivery {
    const { clock } = this.#context;
    const largeContent = this.#largeContentOf(shard);
    const { hostname, outbound } = this.#config;
    switch (destination.kind) {
      case 'maildir': {
        const { folder } = destination;
        return new LocalDelivery(
          maildirs({ folder, hostname: hostname || 'localhost', largeContent }),
          clock,
        );
      }
      case 'discard':
        return new LocalDelivery(discard, clock);
      case 'smtp':
      case 'lmtp':
        return new SmtpDelivery(destination, {
          clock,
          proxy: outboundProxy(this.#config),
          ehlo: outbound.ehlo || hostname || systemName(),
          families: outbound.families,
          tls: outbound.tls === 'opportunistic',
          largeContent,
          dead: this.#dead,
          trust: this.#trust.context(outbound.ca_file),
        });
    }
  }

  #largeContentOf(shard: string): LargeContentReader {
    const { spool } = this.#context;
    return async function* ({ id, envelope }) {
      if (!envelope.large) throw new Error(`mail ${id} came without content`);
      yield* spool.largeContent(shard, envelope.large);
    };
  }

  #laneTo(shard: string): ReportLane {
    let lane = this.#lanes.get(shard);
    if (lane === undefined) this.#lanes.set(shard, (lane = new ReportLane()));
    return lane;
  }

  /** An owner of an earlier epoch has lost its shard: what it gave out and is not under way is given back. */
  #isStale(shard: string, epoch: number): boolean {
    const known = this.#epochs.get(shard);
    if (known !== undefined && epoch <= known) return epoch < known;
    this.#epochs.set(shard, epoch);
    this.#endOf('epoch', ({ request }) => request.shard === shard && request.epoch < epoch);
    return false;
  }

  #endOf(reason: EarlyEnd, matches: (channel: Channel) => boolean): void {
    for (const { channel } of this.#channels.values()) if (matches(channel)) channel.endEarly(reason);
  }

  /** A worker that is full or drains leaves the pool, so that another answers. */
  #joinOrLeave(): void {
    const full =
      this.#draining ||
      this.#channels.size >= this.#config.outbound.channels ||
      this.#heldOctets >= (this.#paused ? heldOctetsEased : heldOctetsFull);
    if (full === this.#paused || !this.#pool) return;
    this.#paused = full;
    if (full) this.#pool.pause();
    else this.#pool.resume();
  }

  /** To all shards, since it is not known which had something there. Never rejects: beats that are missed say the same. */
  async #tellEnded(left = toldEnded): Promise<void> {
    const { bus, spool, clock, log, endedInstances = [] } = this.#context;
    if (endedInstances.length === 0 || this.#stopped) return;
    if (left > 1) clock.after(toldEndedAgainAfter, () => void this.#tellEnded(left - 1));
    try {
      for (const shard of await spool.shards())
        for (const worker of endedInstances) bus.ref(shardProtocol, shard).tell('ended', { worker });
    } catch (fault) {
      log.debug({ fault: String(fault) }, 'not told which workers have ended');
    }
  }

  /** @throws when another owner came after the asker */
  #holds({ shard, epoch }: Pick<OpenChannel, 'shard' | 'epoch'>): {
    readonly channels: readonly HeldChannel[];
  } {
    if (this.#isStale(shard, epoch)) throw new Error(`epoch ${epoch} is over`);
    return { channels: this.#heldFor(shard) };
  }

  #heldFor(wanted: string): readonly HeldChannel[] {
    return [...this.#channels.values()].flatMap(({ channel }) => {
      const { shard, site, epoch } = channel.request;
      return shard === wanted ? [{ channel: channel.id, ids: channel.holds(), site, epoch }] : [];
    });
  }
}
