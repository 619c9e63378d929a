/** The bus within one process, with the same rules: for tests of services without NATS. */
import { startActor, type Behaviour, type Messages, type Protocol } from '@postrider/actor';
import type { EventRecord } from '@postrider/protocol';
import { addressOf } from './addresses.js';
import type { Bus, Hosted, HostOptions, Ref } from './bus.js';
import { NobodyAnswers } from './errors.js';
import { eventRecord, statusRecord } from './event-record.js';
import { deliverHere, HostedActors } from './hosted-actors.js';

export interface MemoryBus extends Bus {
  /** All events so far, in order. */
  readonly events: readonly EventRecord[];
}

export function memoryBus(instance = 'memory-1'): MemoryBus {
  const local = new HostedActors();
  const events: EventRecord[] = [];
  const hosted = new Set<Hosted>();
  const speaker = { instance, version: '0.0.0' };
  return {
    instance,
    connected: true,
    maxPayloadInOctets: 1024 * 1024,
    events,
    onConnection: () => undefined,
    host: <M extends Messages>(protocol: Protocol<M>, behaviour: Behaviour<M>, options: HostOptions = {}) => {
      const address = addressOf(protocol, options.key);
      const actor = startActor(protocol.messages, behaviour, options);
      local.add(address, actor);
      const handle: Hosted = {
        pause: () => local.pause(address, true),
        resume: () => local.pause(address, false),
        stop: async () => {
          local.remove(address);
          hosted.delete(handle);
          await actor.stop();
        },
      };
      hosted.add(handle);
      return Promise.resolve(handle);
    },
    ref: <M extends Messages>(protocol: Protocol<M>, key?: string): Ref<M> => memoryRef(addressOf(protocol, key), local, instance),
    publishEvent: (service, event, facts, options) => {
      events.push(eventRecord(speaker, service, event, facts, options) as EventRecord);
    },
    publishStatus: (service, figures) => void statusRecord(speaker, service, figures),
    watch: () => ({ stop: () => undefined, [Symbol.asyncIterator]: () => nothing() }),
    prepareEvents: () => Promise.resolve(),
    async *storedEvents({ since }) {
      await Promise.resolve();
      yield* events.filter(({ at }) => Date.parse(at) >= since);
    },
    close: async () => {
      await Promise.all([...hosted].map((handle) => handle.stop()));
    },
  };
}

function memoryRef<M extends Messages>(address: string, local: HostedActors, instance: string): Ref<M> {
  return {
    ask: (message, payload) => {
      const actor = local.get(address);
      if (!actor) return Promise.reject(new NobodyAnswers(`nobody answers ${address}.${message}`));
      return deliverHere(actor, message, payload, { instance }) as ReturnType<Ref<M>['ask']> as never;
    },
    tell: (message, payload) => {
      const actor = local.get(address);
      if (actor) void deliverHere(actor, message, payload, { instance }).catch(() => undefined);
    },
  };
}

async function* nothing(): AsyncGenerator<never> {
  await Promise.resolve();
}
