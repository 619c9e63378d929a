/**
 * alias-expander: who a local address is. A pool; every instance has the whole table as a snapshot.
 */
import { defineProtocol, request } from '@postrider/actor';

export type ResolveAnswer =
  /** A user whose mail is delivered here. */
  | { readonly result: 'local' }
  /** An alias: its members, nested aliases already expanded, no repeats. Members outside are relayed. */
  | { readonly result: 'expanded'; readonly members: readonly string[] }
  /** 550 5.1.1 */
  | { readonly result: 'unknown' }
  /** The alias leads only to itself: 550 5.4.6 */
  | { readonly result: 'loop'; readonly path: readonly string[] }
  /** 451 4.3.0 */
  | { readonly result: 'temporary'; readonly text: string };

export const aliasExpander = defineProtocol('alias-expander', 'pool', {
  resolve: request<{ readonly forwardPath: string }, ResolveAnswer>({ deadline: 5_000, concurrent: true }),
});
