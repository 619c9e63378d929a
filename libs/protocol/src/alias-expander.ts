/**
 * alias-expander: who a local address is. A pool; every instance has the whole table as a snapshot.
 */
import { defineProtocol, request } from '@postrider/actor';

export type ResolveAnswer =
  /** A user whose mail is delivered here. */
  | { readonly result: 'local' }
  /** An alias: its members, nested aliases already expanded, no repeats. Members outside are relayed. */
  | { readonly result: 'expanded'; readonly members: readonly string[] }
  /** Too many members for one envelope: the queue's owner asks for them page by page. */
  | { readonly result: 'list' }
  /** 550 5.1.1 */
  | { readonly result: 'unknown' }
  /** The alias leads only to itself: 550 5.4.6 */
  | { readonly result: 'loop'; readonly path: readonly string[] }
  /** 451 4.3.0 */
  | { readonly result: 'temporary'; readonly text: string };

export type PageAnswer =
  /** Members in an order that does not change; `next`, absent on the last page, is where the next one begins. */
  | { readonly result: 'page'; readonly members: readonly string[]; readonly next?: string }
  /** It is no list any more, or nobody is left on it. */
  | { readonly result: 'unknown' }
  | { readonly result: 'temporary'; readonly text: string };

/** Members of a page: with its content a page is one record of the log. */
export const membersOfPage = 500;

export const aliasExpander = defineProtocol('alias-expander', 'pool', {
  resolve: request<{ readonly forwardPath: string }, ResolveAnswer>({ deadline: 5_000, concurrent: true }),
  /** Members of a list that come after `after`; from the first without it. */
  page: request<{ readonly forwardPath: string; readonly after?: string }, PageAnswer>({
    deadline: 5_000,
    concurrent: true,
  }),
});
