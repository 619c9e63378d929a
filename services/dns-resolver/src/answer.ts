/** What one query gives: records of one type for one name. */

export type QueryType = 'MX' | 'A' | 'AAAA' | 'PTR';

export interface MxRecord {
  readonly preference: number;
  /** As in the record, lower case; '' is the root: a null MX (RFC 7505 §3). */
  readonly exchange: string;
}

export interface RecordData {
  readonly MX: MxRecord;
  readonly A: string;
  readonly AAAA: string;
  readonly PTR: string;
}

/** `ttl` in milliseconds: how long the answer may be kept. */
export type Answer<T extends QueryType> =
  | { readonly kind: 'records'; readonly records: readonly RecordData[T][]; readonly ttl: number }
  /** The name exists, without such records (RFC 2308 §2.2). */
  | { readonly kind: 'nodata'; readonly ttl: number }
  /** RFC 2308 §2.1 */
  | { readonly kind: 'nxdomain'; readonly ttl: number }
  | { readonly kind: 'temporary'; readonly text: string };

export type LookUp = <T extends QueryType>(name: string, type: T) => Promise<Answer<T>>;
