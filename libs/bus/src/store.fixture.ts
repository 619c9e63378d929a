/** Protocols and behaviours that the specs of the bus use, also in another process. */
import { defineProtocol, notice, request, type Behaviour } from '@postrider/actor';

export const store = defineProtocol('store', 'pool', {
  put: request<{ readonly octets: Uint8Array; readonly note?: string }, { readonly octets: Uint8Array }>({
    deadline: 2_000,
  }),
  size: request<{ readonly octets: Uint8Array }, number>({ deadline: 2_000, concurrent: true }),
  who: request<Record<string, never>, { readonly name: string; readonly asker: string }>({ deadline: 2_000 }),
  fail: request<{ readonly text: string }, never>({ deadline: 2_000 }),
  /** Answers when it is let go on. */
  wait: request<Record<string, never>, string>({ deadline: 2_000 }),
  large: request<{ readonly octets: number }, Uint8Array>({ deadline: 2_000 }),
  count: request<Record<string, never>, { readonly notes: readonly unknown[] }>({
    deadline: 2_000,
    concurrent: true,
  }),
  note: notice<unknown>(),
});
export type StoreMessages = (typeof store)['messages'];

export const drawer = defineProtocol('drawer', 'keyed', store.messages);

/** Who waits in `wait`, to be let go on. */
export type Waiters = ((answer: string) => void)[];

export const storeBehaviour =
  (name: string, waiters: Waiters = []): Behaviour<StoreMessages> =>
  (context) => {
    const notes: unknown[] = [];
    return {
      handlers: {
        put: ({ octets }) => ({ octets }),
        size: ({ octets }) => octets.length,
        who: (_, from) => ({ name, asker: from.instance + (from.trace ?? '') }),
        fail: ({ text }) => {
          if (text === 'stop') context.stop();
          throw new Error(text);
        },
        wait: () => new Promise((resolve) => waiters.push(resolve)),
        large: ({ octets }) => new Uint8Array(octets),
        count: () => ({ notes }),
        note: (value) => void notes.push(value),
      },
    };
  };
