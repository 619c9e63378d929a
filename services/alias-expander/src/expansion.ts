/** From a local address to who gets its mail. Pure: a snapshot of the table, and a question about users. */
import { membersOfPage, type PageAnswer, type ResolveAnswer } from '@postrider/protocol';
import { splitMailbox } from '@postrider/smtp';

export interface AliasTable {
  /** Lower case local part or address → members as written. */
  readonly entries: ReadonlyMap<string, readonly string[]>;
}

export interface LocalUsers {
  readonly isLocalDomain: (domain: string) => boolean;
  /** @param localPart lower case */
  readonly exists: (localPart: string) => boolean;
}

/** A longer list is expanded by the queue's owner, page by page (DESIGN §3). */
const membersAtOnce = 1000;
/** A longer one is a mistake, or needs a program of its own. */
const membersLimit = 1_000_000;
/** Deeper nesting is a mistake. */
const depthLimit = 50;

/** @param forwardPath an address of a local domain, or `postmaster` */
export function resolve(forwardPath: string, table: AliasTable, users: LocalUsers): ResolveAnswer {
  const expansion = new Expansion(table, users);
  try {
    expansion.add(forwardPath, []);
  } catch (error) {
    if (error instanceof TooLarge) return { result: 'temporary', text: error.message };
    throw error;
  }
  const { members, loop } = expansion;
  if (!expansion.isAlias)
    return users.exists(localPartOf(forwardPath)) || isPostmaster(forwardPath)
      ? { result: 'local' }
      : { result: 'unknown' };
  if (members.size === 0) return { result: 'loop', path: loop ?? [forwardPath] };
  if (members.size > membersAtOnce) return { result: 'list' };
  return { result: 'expanded', members: [...members.values()] };
}

type Member = readonly [key: string, member: string];

/** The list that was asked for last: its pages follow each other. */
export class ListPages {
  #table: AliasTable | undefined;
  #list = '';
  /** In the order of their lower case form: a changed file neither repeats nor loses those it leaves. */
  #members: readonly Member[] = [];

  /** @param after the last member that was given, as `next` said */
  page(
    { forwardPath, after }: { readonly forwardPath: string; readonly after?: string },
    table: AliasTable,
    users: LocalUsers,
  ): PageAnswer {
    try {
      const members = this.#membersOf(forwardPath, table, users);
      const first = after === undefined ? 0 : firstBehind(members, after);
      const page = members.slice(first, first + membersOfPage);
      const last = page.at(-1);
      if (last === undefined)
        return after === undefined ? { result: 'unknown' } : { result: 'page', members: [] };
      const more = first + page.length < members.length;
      return {
        result: 'page',
        members: page.map(([, member]) => member),
        ...(more ? { next: last[0] } : {}),
      };
    } catch (error) {
      if (error instanceof TooLarge) return { result: 'temporary', text: error.message };
      throw error;
    }
  }

  #membersOf(forwardPath: string, table: AliasTable, users: LocalUsers): readonly Member[] {
    const list = forwardPath.toLowerCase();
    if (this.#table === table && this.#list === list) return this.#members;
    const expansion = new Expansion(table, users);
    expansion.add(forwardPath, []);
    this.#members = [...expansion.members].sort(([a], [b]) => (a < b ? -1 : 1));
    [this.#table, this.#list] = [table, list];
    return this.#members;
  }
}

/** Index of the first member behind that one, which need not be there any more. */
function firstBehind(members: readonly Member[], after: string): number {
  let [low, high] = [0, members.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((members[middle]?.[0] ?? '') <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

class TooLarge extends Error {}

class Expansion {
  /** Members by their lower case form: none twice. */
  readonly members = new Map<string, string>();
  /** A way that led back to where it began. */
  loop: readonly string[] | undefined;
  isAlias = false;
  readonly #table: AliasTable;
  readonly #users: LocalUsers;

  constructor(table: AliasTable, users: LocalUsers) {
    this.#table = table;
    this.#users = users;
  }

  /** @param path the aliases on the way here, lower case */
  add(address: string, path: readonly string[]): void {
    const key = address.toLowerCase();
    const entry = this.#entryOf(address);
    // `fred: fred, backup@example.org` is the idiom for 'to fred himself as well' (aliases(5)).
    if (entry === undefined || path.at(-1) === key) {
      this.#addMember(key, address, path);
      return;
    }
    if (path.includes(key)) {
      this.loop = [...path, key];
      return;
    }
    if (path.length >= depthLimit)
      throw new TooLarge(`aliases are nested over ${depthLimit} deep at ${address}`);
    this.isAlias = true;
    const { domain } = splitMailbox(address);
    for (const member of entry)
      this.add(member.includes('@') ? member : `${member}@${domain}`, [...path, key]);
  }

  #addMember(key: string, address: string, path: readonly string[]): void {
    if (path.length === 0) return;
    this.members.set(key, address);
    if (this.members.size > membersLimit)
      throw new TooLarge(`lists over ${membersLimit} members are not supported`);
  }

  /** A whole address is more exact than a local part; names of other domains are nobody's here. */
  #entryOf(address: string): readonly string[] | undefined {
    const exact = this.#table.entries.get(address.toLowerCase());
    if (exact) return exact;
    const { localPart, domain } = splitMailbox(address);
    return this.#users.isLocalDomain(domain.toLowerCase()) || domain === ''
      ? this.#table.entries.get(localPart.toLowerCase())
      : undefined;
  }
}

const localPartOf = (address: string): string => splitMailbox(address).localPart.toLowerCase();
/** RFC 5321 §4.5.1: there is always one. */
const isPostmaster = (address: string): boolean => localPartOf(address) === 'postmaster';
