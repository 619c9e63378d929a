/**
 * A pod of the rendered manifests as a process on this machine: its files, environment, user, command, ports, probes
 * and grace period are the manifest's. What a machine without a kubelet can't give is mapped, in one place: the pod's
 * address is one of 127.0.0.0/8, its root a folder, and names of NATS's pods their addresses.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { k8sFolder, podOf, type Container, type Manifest, type PodSpec, type Probe } from './render.js';
import { writeSubPath, writeVolume, type VolumeFiles } from './volume.js';

export interface PodOptions {
  readonly manifest: Manifest;
  readonly manifests: readonly Manifest[];
  readonly name: string;
  readonly address: string;
  /** Becomes the pod's `/`. */
  readonly root: string;
  /** By name in the cluster, as nats-0.nats. */
  readonly addresses: ReadonlyMap<string, string>;
  /** In place of the image's nats-server. */
  readonly natsServer: string;
}

export interface PodEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command that waits for what its user may not have, milliseconds. */
const execWithin = 45_000;
const repository = dirname(k8sFolder);

export class Pod {
  output = '';
  readonly name: string;
  readonly address: string;
  readonly #options: PodOptions;
  readonly #spec: PodSpec;
  readonly #container: Container;
  #child: ChildProcess | undefined;

  constructor(options: PodOptions) {
    const spec = podOf(options.manifest);
    if (!spec) throw new Error(`${options.name} makes no pod`);
    this.#options = options;
    this.#spec = spec;
    this.#container = spec.containers[0];
    this.name = options.name;
    this.address = options.address;
    for (const { name, mountPath, subPath } of this.#container.volumeMounts ?? [])
      this.#mount(name, mountPath, subPath);
  }

  start(): void {
    const child = this.#spawn(this.#container.args ?? []);
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  /** `kubectl exec … -- postrider WORDS`. */
  async exec(
    ...words: readonly string[]
  ): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = this.#spawn(words);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    const late = setTimeout(() => child.kill('SIGKILL'), execWithin);
    await once(child, 'close');
    clearTimeout(late);
    return { code: child.exitCode, output };
  }

  #spawn(args: readonly string[]): ChildProcess {
    const [program = '', ...words] = this.#command();
    const user = this.#user();
    const env = (this.#container.env ?? []).map(({ name, value }) => [
      name,
      this.#mapped(value ?? this.name),
    ]);
    return spawn(program, [...words, ...args.map((arg) => this.#mapped(arg))], {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], ...(Object.fromEntries(env) as Record<string, string>) },
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async ended(): Promise<PodEnd> {
    const child = this.#child;
    if (!child) throw new Error(`${this.name} was never started`);
    if (this.running) await once(child, 'exit');
    return { code: child.exitCode, signal: child.signalCode };
  }

  /** As a kubelet does: SIGTERM, the grace period, SIGKILL. */
  async delete(): Promise<PodEnd> {
    if (!this.running) return this.ended();
    const grace = (this.#spec.terminationGracePeriodSeconds ?? 30) * 1000;
    const late = setTimeout(() => this.#child?.kill('SIGKILL'), grace);
    this.signal('SIGTERM');
    const end = await this.ended();
    clearTimeout(late);
    return end;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** @returns the status of the manifest's probe; 0 when nothing answers */
  async probe(kind: 'startupProbe' | 'readinessProbe' | 'livenessProbe'): Promise<number> {
    const probe: Probe | undefined = this.#container[kind];
    if (!probe) throw new Error(`${this.name} has no ${kind}`);
    const response = await this.get(probe.httpGet.path, probe.httpGet.port).catch(() => undefined);
    await response?.arrayBuffer();
    return response?.status ?? 0;
  }

  get(path: string, port = 'http'): Promise<Response> {
    return fetch(`http://${this.address}:${this.port(port)}${path}`);
  }

  port(name: string): number {
    const port = this.#container.ports?.find((other) => other.name === name);
    if (!port) throw new Error(`${this.name} has no port ${name}`);
    return port.containerPort;
  }

  #command(): readonly string[] {
    const { command } = this.#container;
    if (command?.[0] === 'nats-server') return [this.#options.natsServer, ...command.slice(1)];
    if (command) return command;
    const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(readFileSync(join(k8sFolder, 'Dockerfile'), 'utf8'));
    return (JSON.parse(entrypoint?.[1] ?? '[]') as string[]).map((word) =>
      word === 'node' ? process.execPath : word,
    );
  }

  /** Only root can become another. */
  #user(): number | undefined {
    return process.getuid?.() === 0 ? Number(this.#spec.securityContext?.['runAsUser']) : undefined;
  }

  /** The kubelet's part when a Secret or ConfigMap has changed; names stay. */
  update(volume: string, files: VolumeFiles): void {
    const mount = this.#container.volumeMounts?.find(({ name }) => name === volume);
    if (!mount) throw new Error(`${this.name} mounts no ${volume}`);
    writeVolume(join(this.#options.root, mount.mountPath), files, this.#group());
  }

  #mount(volume: string, mountPath: string, subPath: string | undefined): void {
    const target = join(this.#options.root, mountPath);
    const files = new Map(this.#filesOf(volume));
    if (subPath !== undefined) writeSubPath(target, files.get(subPath) ?? '', this.#group());
    else if (files.size > 0) writeVolume(target, files, this.#group());
    else {
      mkdirSync(target, { recursive: true });
      this.#give(target);
    }
    const folder = subPath === undefined ? target : dirname(target);
    for (let path = folder; path.length >= this.#options.root.length; path = dirname(path))
      chmodSync(path, statSync(path).mode | 0o011);
  }

  #group(): number | undefined {
    return this.#user() === undefined ? undefined : Number(this.#spec.securityContext?.['fsGroup']);
  }

  #give(path: string): void {
    const user = this.#user();
    if (user !== undefined) chownSync(path, user, user);
  }

  #filesOf(volume: string): readonly (readonly [string, string])[] {
    const source = this.#spec.volumes?.find(({ name }) => name === volume);
    if (source?.configMap) {
      const { data = {} } = this.#find('ConfigMap', source.configMap.name);
      return Object.entries(data).map(([name, text]) => [name, this.#mapped(text)]);
    }
    if (!source?.secret) return [];
    const { data = {} } = this.#find('Secret', source.secret.secretName);
    const decoded = Object.entries(data).map(
      ([name, text]) => [name, Buffer.from(text, 'base64').toString('utf8')] as const,
    );
    const { items } = source.secret;
    return items ? decoded.filter(([name]) => items.some(({ key }) => key === name)) : decoded;
  }

  #find(kind: string, name: string): Manifest {
    const found = this.#options.manifests.find(
      (other) => other.kind === kind && other.metadata.name === name,
    );
    if (!found) throw new Error(`${this.name} wants ${kind} ${name}, which is not rendered`);
    return found;
  }

  #mapped(text: string): string {
    const { address, root, addresses } = this.#options;
    let mapped = text.replaceAll('[::]:', `${address}:`).replaceAll('0.0.0.0:', `${address}:`);
    for (const [name, other] of addresses) mapped = mapped.replaceAll(`${name}:`, `${other}:`);
    for (const path of ['/etc/postrider', '/etc/nats', '/data'])
      mapped = mapped.replaceAll(new RegExp(`(^|["\\s])${path}`, 'g'), `$1${root}${path}`);
    return mapped;
  }
}
