/**
 * Where the NATS servers of the cluster test live. As root each has a network namespace of its own with two links -
 * one to the other servers, one to its clients - that can be cut like a cable: nothing is refused, packets are gone.
 * Without root all listen on loopback and nothing can be cut.
 */
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { freePort } from '@postrider/testing';

/** The cable of a node to the other nodes, or to its clients. */
export type Link = 'others' | 'clients';

export interface Place {
  /** `host:port` for clients. */
  readonly client: { readonly host: string; readonly port: number };
  /** `host:port` for the other servers. */
  readonly route: { readonly host: string; readonly port: number };
  /** Goes before a command that is to run there. */
  readonly inside: readonly string[];
}

export interface Network {
  /** Why no link can be cut; undefined where it can. */
  readonly whyNotCut: string | undefined;
  /** One for each NATS server. */
  readonly places: readonly Place[];
  /** Goes before the command of a service that has a link of its own. */
  readonly apart: readonly string[];
  cut(place: number, link: Link): void;
  mend(place: number, link: Link): void;
  remove(): void;
}

const clientPort = 4222;
const routePort = 6222;

/** @param count of NATS servers; a service in `apart` comes after them */
export async function makeNetwork(count: number): Promise<Network> {
  const whyNotCut = whyNoNamespaces();
  return whyNotCut === undefined ? new Namespaces(count) : loopback(count, whyNotCut);
}

function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const probe = `prt${process.pid}probe`;
  try {
    ip('netns', 'add', probe);
    ip('netns', 'del', probe);
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? (error.message.split('\n').at(-2) ?? error.message) : String(error);
    return `no network namespace can be made here: ${text}`;
  }
}

async function loopback(count: number, whyNotCut: string): Promise<Network> {
  const places: Place[] = [];
  for (let n = 0; n < count; n++) {
    const host = '127.0.0.1';
    places.push({
      client: { host, port: await freePort() },
      route: { host, port: await freePort() },
      inside: [],
    });
  }
  const cannot = (): never => {
    throw new Error(whyNotCut);
  };
  return { whyNotCut, places, apart: [], cut: cannot, mend: cannot, remove: () => undefined };
}

class Namespaces implements Network {
  readonly whyNotCut = undefined;
  readonly places: readonly Place[];
  readonly apart: readonly string[];
  /** Names of interfaces have 15 characters at most. */
  readonly #name = `pr${process.pid.toString(36)}`;
  readonly #prefix = `10.${randomInt(100, 250)}`;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    try {
      this.#make();
    } catch (error) {
      // Ctrl-C ends `ip`, too.
      this.remove();
      throw error;
    }
    this.places = Array.from({ length: count }, (_, n) => ({
      client: { host: this.#address(n, 'clients'), port: clientPort },
      route: { host: this.#address(n, 'others'), port: routePort },
      inside: this.#inside(n),
    }));
    this.apart = this.#inside(count);
  }

  cut(place: number, link: Link): void {
    ip('link', 'set', this.#outerEnd(place, link), 'down');
  }

  mend(place: number, link: Link): void {
    ip('link', 'set', this.#outerEnd(place, link), 'up');
  }

  remove(): void {
    for (let n = 0; n <= this.#count; n++) attempt(() => ip('netns', 'del', this.#namespace(n)));
    for (const link of ['others', 'clients'] as const) attempt(() => ip('link', 'del', this.#bridgeOf(link)));
  }

  #make(): void {
    this.#bridge('others');
    this.#bridge('clients');
    for (let n = 0; n <= this.#count; n++) {
      ip('netns', 'add', this.#namespace(n));
      ip('-n', this.#namespace(n), 'link', 'set', 'lo', 'up');
      this.#cable(n, 'clients');
      if (n < this.#count) this.#cable(n, 'others');
    }
  }

  #bridge(link: Link): void {
    const bridge = this.#bridgeOf(link);
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('addr', 'add', `${this.#network(link)}.254/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
  }

  #cable(n: number, link: Link): void {
    const outer = this.#outerEnd(n, link);
    const namespace = this.#namespace(n);
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', link, 'netns', namespace);
    ip('link', 'set', outer, 'master', this.#bridgeOf(link), 'up');
    ip('-n', namespace, 'addr', 'add', `${this.#address(n, link)}/24`, 'dev', link);
    ip('-n', namespace, 'link', 'set', link, 'up');
  }

  #inside(n: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(n)];
  }

  #namespace(n: number): string {
    return `${this.#name}-${n}`;
  }

  #bridgeOf(link: Link): string {
    return `${this.#name}-${link[0]}`;
  }

  #outerEnd(n: number, link: Link): string {
    return `${this.#bridgeOf(link)}${n}`;
  }

  #network(link: Link): string {
    return `${this.#prefix}.${link === 'others' ? 1 : 2}`;
  }

  #address(n: number, link: Link): string {
    return `${this.#network(link)}.${n + 1}`;
  }
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', [...words], { stdio: ['ignore', 'ignore', 'pipe'] });
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // It is gone already.
  }
}
