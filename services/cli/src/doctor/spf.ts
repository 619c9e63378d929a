/**
 * SPF (RFC 7208) as far as our own records need it: does the record of the EHLO name pass our address by ip4, ip6 or a?
 * What goes through other names (include, redirect, exists, mx, macros) is not followed.
 */
import { isInNetwork, parseNetwork } from '@postrider/mail';

export type SpfResult = 'pass' | 'fail' | 'not followed' | 'no record' | 'several records';

/**
 * @param records TXT records of the name; @param own its A and AAAA records
 * @returns how its SPF record judges the address (RFC 7208 §4.6), not followed where only others could tell
 */
export function judgeSpf(address: string, records: readonly string[], own: readonly string[]): SpfResult {
  // RFC 7208 §4.5: none is 'none', several are 'permerror'.
  const policies = records.filter((text) => /^v=spf1(?: |$)/i.test(text));
  if (policies.length > 1) return 'several records';
  const [policy] = policies;
  if (policy === undefined) return 'no record';
  for (const term of policy.split(' ').slice(1).filter(Boolean)) {
    const [, qualifier = '', mechanism = '', value = ''] =
      /^([+?~-]?)([a-z0-9]+)[:=/]?(.*)$/i.exec(term) ?? [];
    const passes = qualifier === '' || qualifier === '+';
    switch (mechanism.toLowerCase()) {
      case 'ip4':
      case 'ip6':
        if (isWithin(address, value)) return passes ? 'pass' : 'fail';
        break;
      case 'a':
        if (term.length > mechanism.length + qualifier.length) return 'not followed';
        if (own.includes(address)) return passes ? 'pass' : 'fail';
        break;
      case 'all':
        return passes ? 'pass' : 'fail';
      default:
        return 'not followed';
    }
  }
  // RFC 7208 §4.7: neutral, which is no pass.
  return 'fail';
}

function isWithin(address: string, network: string): boolean {
  const range = parseNetwork(network);
  return range !== undefined && isInNetwork(address, range);
}
