/** All pods of a rendered overlay on this machine: NATS's three and one of each service. */
import { randomInt } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '@postrider/nats-server';
import { waitFor } from '@postrider/testing';
import { Pod } from './pod.js';
import { render, type Manifest, type Rendered } from './render.js';

export const services = [
  'smtp-ingress',
  'queue-manager',
  'outbound-delivery',
  'dns-resolver',
  'alias-expander',
  'admin',
] as const;
export type Service = (typeof services)[number];

const natsNames = ['nats-0', 'nats-1', 'nats-2'] as const;
/** Less than a test may take, so that what it said is told. */
const comesUpWithin = 90_000;

export class Cluster {
  readonly nats: readonly Pod[];
  readonly manifests: readonly Manifest[];
  readonly root: string;
  readonly #pods = new Map<string, Pod>();
  readonly #addresses: ReadonlyMap<string, string>;
  readonly #network = `127.${randomInt(1, 250)}.${randomInt(1, 250)}`;
  readonly #natsServer: string;
  readonly #removeRendered: () => void;
  #next = 10;

  private constructor(natsServer: string, site: string, components: readonly string[]) {
    this.root = mkdtempSync(join(tmpdir(), 'postrider-cluster-'));
    chmodSync(this.root, 0o755);
    // The pods' user may not read what the tester's home holds.
    this.#natsServer = join(this.root, 'nats-server');
    copyFileSync(natsServer, this.#natsServer);
    chmodSync(this.#natsServer, 0o755);
    this.#addresses = new Map(natsNames.map((name, n) => [`${name}.nats`, `${this.#network}.${n + 1}`]));
    const rendered = render({
      overlay: 'production',
      components,
      site,
      // Where a server is named by its address, the client library checks the certificate for 'localhost'.
      natsNames: ['DNS:localhost', ...[...this.#addresses.values()].map((address) => `IP:${address}`)],
    });
    this.manifests = [...rendered.manifests, secretOfCertificate(rendered)];
    this.#removeRendered = () => rendered.remove();
    this.nats = natsNames.map((name) =>
      this.#pod('StatefulSet', 'nats', name, this.#addresses.get(`${name}.nats`)),
    );
  }

  /** @param site what an operator writes into the overlay's site.yaml; @param components taken in besides the overlay's own */
  static async create(site: string, components: readonly string[] = []): Promise<Cluster> {
    const { binary } = await findNatsServer({ fetch: true });
    return new Cluster(binary, site, components);
  }

  async startNats(): Promise<void> {
    for (const pod of this.nats) pod.start();
    for (const pod of this.nats) await up(pod, 'startupProbe');
  }

  get(service: string): Pod {
    const pod = this.#pods.get(service);
    if (!pod) throw new Error(`no pod ${service} was made`);
    return pod;
  }

  /** A new pod, as after a deletion: another address, another name. */
  launch(service: Service): Pod {
    const pod = this.#pod('Deployment', service, `${service}-${this.#next}`);
    this.#pods.set(service, pod);
    pod.start();
    return pod;
  }

  /** Where what comes to a port of Service `smtp` goes: to the container's port that its target names. */
  behindService(port: number): { readonly host: string; readonly port: number } {
    const service = this.manifests.find(
      ({ kind, metadata }) => kind === 'Service' && metadata.name === 'smtp',
    );
    const { ports } = service?.spec as { ports: readonly { port: number; targetPort: string }[] };
    const found = ports.find((other) => other.port === port);
    if (!found) throw new Error(`Service smtp has no port ${port}`);
    const pod = this.get('smtp-ingress');
    return { host: pod.address, port: pod.port(found.targetPort) };
  }

  /** An address of nobody yet, for a client or a balancer. */
  newAddress(): string {
    return `${this.#network}.${this.#next++}`;
  }

  job(name: string): Pod {
    const pod = this.#pod('Job', name, `${name}-${this.#next}`);
    this.#pods.set(name, pod);
    pod.start();
    return pod;
  }

  async allReady(): Promise<void> {
    for (const service of services) await up(this.get(service), 'readinessProbe');
    await waitFor(
      async () => (await this.get('admin').get('/readyz')).status === 200,
      comesUpWithin,
      'the system to be ready',
    );
  }

  async remove(): Promise<void> {
    const all = [...this.#pods.values(), ...this.nats];
    for (const pod of all) pod.signal('SIGKILL');
    await Promise.all(all.map((pod) => pod.ended().catch(() => undefined)));
    rmSync(this.root, { recursive: true, force: true });
    this.#removeRendered();
  }

  #pod(kind: string, of: string, name: string, address = `${this.#network}.${this.#next++}`): Pod {
    const manifest = this.manifests.find((other) => other.kind === kind && other.metadata.name === of);
    if (!manifest) throw new Error(`no ${kind} ${of} is rendered`);
    return new Pod({
      manifest,
      manifests: this.manifests,
      name,
      address,
      root: join(this.root, name),
      addresses: this.#addresses,
      natsServer: this.#natsServer,
    });
  }
}

/** cert-manager's part: the Secret that the Certificate names. */
function secretOfCertificate({ manifests, smtpTls }: Rendered): Manifest {
  const certificate = manifests.find(({ kind }) => kind === 'Certificate');
  const { secretName } = certificate?.spec as { secretName: string };
  const data = Object.fromEntries(
    Object.entries(smtpTls).map(([name, text]) => [name, Buffer.from(text).toString('base64')] as const),
  );
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: secretName }, data };
}

export const up = (pod: Pod, probe: 'startupProbe' | 'readinessProbe'): Promise<boolean> =>
  waitFor(
    async () => (await pod.probe(probe)) === 200,
    comesUpWithin,
    () => `${pod.name}'s ${probe}; it said:\n${pod.output.slice(-3000)}`,
  );
