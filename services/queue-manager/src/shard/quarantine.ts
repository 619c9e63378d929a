/** An operator's acts on what the shard's replays could not get past. */
import type { QuarantineAct, QuarantineAnswer } from '@postrider/protocol';
import type { ShardOwner } from '@postrider/spool';
import type { ShardEnvironment } from './environment.js';

/** Of a record in an answer. */
const octetsShown = 512 * 1024;

export async function quarantine(
  { owner, shard }: Pick<ShardEnvironment, 'owner' | 'shard'>,
  act: QuarantineAct,
): Promise<QuarantineAnswer> {
  const records = owner.quarantined().map((record) => ({ shard, ...record }));
  if (act.act === 'list') return { result: 'records', records };
  const record = records.find(({ key }) => key === act.key);
  if (record === undefined) return { result: 'unknown' };
  if (act.act !== 'show') return settle(owner, act.act, act.key);
  const octets = await owner.quarantinedOctets(act.key);
  return octets === undefined
    ? { result: 'unknown' }
    : { result: 'shown', record, octets: octets.subarray(0, octetsShown) };
}

async function settle(owner: ShardOwner, act: 'release' | 'delete', key: string): Promise<QuarantineAnswer> {
  try {
    if (act === 'delete')
      return (await owner.deleteQuarantined(key)) ? { result: 'done', ids: [] } : { result: 'unknown' };
    const released = await owner.releaseQuarantined(key);
    return released === undefined ? { result: 'unknown' } : { result: 'done', ids: released.ids };
  } catch (fault) {
    return { result: 'refused', text: fault instanceof Error ? fault.message : String(fault) };
  }
}
