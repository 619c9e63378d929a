/** A lease a shard (DESIGN §4): who may take the trouble to own it. The fence in the log is what keeps two apart. */
import type { Log } from './log.js';
import { streamsOf } from './names.js';
import type { Lease, LeaseRecord, Leases } from './spool.js';

const spoolPrefix = streamsOf('').spool;

/** Shards by the streams that there are. */
export async function shardsOf(log: Log): Promise<readonly string[]> {
  const names = await log.streams();
  return names
    .flatMap((name) => (name.startsWith(spoolPrefix) ? [name.slice(spoolPrefix.length)] : []))
    .sort(byNumber);
}

const byNumber = (a: string, b: string): number => Number(a) - Number(b) || a.localeCompare(b);

export function leasesOver(log: Log): Leases {
  const { register } = log;
  return {
    async take(shard, owner) {
      const entry = await register.get(keyOf(shard));
      const known = entry === undefined ? undefined : decode(entry.value);
      const record: LeaseRecord = known ?? { owner };
      if (known !== undefined && known.owner !== owner) return undefined;
      const revision =
        entry === undefined
          ? await register.create(keyOf(shard), encode(record))
          : await register.update(keyOf(shard), encode(record), entry.revision);
      return revision === undefined ? undefined : new RegisterLease(log, shard, record, revision);
    },
    async list() {
      const shards = await shardsOf(log);
      const entries = await Promise.all(shards.map((shard) => register.get(keyOf(shard))));
      return new Map(
        shards.flatMap((shard, n) => (entries[n] ? [[shard, decode(entries[n].value)] as const] : [])),
      );
    },
    async revoke(shard) {
      await register.delete(keyOf(shard));
    },
  };
}

class RegisterLease implements Lease {
  readonly #log: Log;
  readonly #key: string;
  readonly #record: LeaseRecord;
  #revision: number;

  constructor(log: Log, shard: string, record: LeaseRecord, revision: number) {
    this.#log = log;
    this.#key = keyOf(shard);
    this.#record = record;
    this.#revision = revision;
  }

  async renew(): Promise<boolean> {
    const record = encode(this.#record);
    const { register } = this.#log;
    const revision =
      (await register.update(this.#key, record, this.#revision)) ?? (await this.#resume(record));
    if (revision === undefined) return false;
    this.#revision = revision;
    return true;
  }

  async release(): Promise<void> {
    const entry = await this.#log.register.get(this.#key);
    if (entry?.revision === this.#revision) await this.#log.register.delete(this.#key);
  }

  /** It lapsed and nobody took it, or a renewal landed whose answer was lost: it goes on. */
  async #resume(value: Uint8Array): Promise<number | undefined> {
    const { register } = this.#log;
    const entry = await register.get(this.#key);
    if (entry === undefined) return register.create(this.#key, value);
    return decode(entry.value).owner === this.#record.owner
      ? register.update(this.#key, value, entry.revision)
      : undefined;
  }
}

const keyOf = (shard: string): string => `shard.${shard}`;
const encode = (record: LeaseRecord): Uint8Array => Buffer.from(JSON.stringify(record));
const decode = (value: Uint8Array): LeaseRecord =>
  JSON.parse(Buffer.from(value).toString('utf8')) as LeaseRecord;
