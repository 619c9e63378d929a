/** The processes of the services: any number of each, added, killed, paused, ended and started again under load. */
import { ChildUnderTest, freePort } from '@postrider/testing';
import { commandLine } from '../running-postrider.js';

export const services = [
  'smtp-ingress',
  'queue-manager',
  'outbound-delivery',
  'dns-resolver',
  'alias-expander',
] as const;
export type Service = (typeof services)[number];

export interface Instance {
  /** `queue-manager-2`. */
  readonly name: string;
  readonly service: Service;
  /** Where an smtp-ingress listens. */
  readonly port: number;
  readonly process: ChildUnderTest;
}

export class Instances {
  readonly #configFile: string;
  readonly #all: Instance[] = [];
  /** Those that ended for good, for their output. */
  readonly #gone: Instance[] = [];
  #next = 1;
  #over = false;

  constructor(configFile: string) {
    this.#configFile = configFile;
  }

  of(service: Service): readonly Instance[] {
    return this.#all.filter((instance) => instance.service === service);
  }

  /** One by its place in its pool, from 0. */
  at(service: Service, place: number): Instance {
    const found = this.of(service)[place];
    if (found === undefined) throw new Error(`there is no ${service} number ${place}`);
    return found;
  }

  /** The ports of all that take mail. */
  ports(): readonly number[] {
    return this.of('smtp-ingress').map(({ port }) => port);
  }

  outputs(): readonly { readonly name: string; readonly output: string }[] {
    return [...this.#gone, ...this.#all].map(({ name, process: { output } }) => ({ name, output }));
  }

  /** @param inside goes before its command; resolves when it is ready */
  async add(service: Service, inside: readonly string[] = []): Promise<Instance> {
    const port = service === 'smtp-ingress' ? await freePort() : 0;
    if (this.#over) throw new Error('all were ended for good');
    const words = [...inside, process.execPath, commandLine, 'run', service, '--config', this.#configFile];
    const [command = '', ...args] = words;
    const instance = {
      name: `${service}-${this.#next++}`,
      service,
      port,
      process: new ChildUnderTest({
        command,
        args,
        env: port === 0 ? {} : { POSTRIDER__LISTENERS__MX__LISTEN: `["127.0.0.1:${port}"]` },
        readyWhen: /"msg":"ready"/,
        readyWithin: 120_000,
      }),
    };
    this.#all.push(instance);
    await instance.process.start();
    return instance;
  }

  /** Drains it; it does not come back. @returns its exit code */
  async remove(instance: Instance): Promise<number | null> {
    this.#all.splice(this.#all.indexOf(instance), 1);
    this.#gone.push(instance);
    return (await instance.process.stop()).code;
  }

  /** Kills them for good, those that drain too; none starts after that, whatever scenario is under way. */
  async end(): Promise<void> {
    this.#over = true;
    await Promise.all([...this.#gone, ...this.#all].map((instance) => instance.process.end()));
  }
}

export function signal(
  { name, process: child }: Pick<Instance, 'name' | 'process'>,
  which: NodeJS.Signals,
): void {
  if (child.pid === undefined) throw new Error(`${name} does not run`);
  process.kill(child.pid, which);
}
