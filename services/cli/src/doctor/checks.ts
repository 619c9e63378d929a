/** What receivers look at before they take our mail, a line each, with the record to publish where one is missing. */
import { isIP } from 'node:net';
import type { Dns } from './dns.js';
import { judgeSpf } from './spf.js';

export interface Finding {
  readonly check: string;
  readonly result: 'ok' | 'wrong' | 'unknown';
  readonly text: string;
  /** In a zone file's form. */
  readonly publish?: string;
}

type Said = Omit<Finding, 'check'>;

/** The name that we say in EHLO: a full one with an address (RFC 5321 §4.1.1.1, §2.3.5). */
export const checkEhlo = (ehlo: string, dns: Dns): Promise<Finding> =>
  checked('EHLO name', async () => {
    if (!ehlo.includes('.')) return wrong(`'${ehlo}' is no full name: set hostname or outbound.ehlo`);
    const addresses = await dns.addresses(ehlo);
    return addresses.length === 0
      ? wrong(`${ehlo} has no address`, `${ehlo}. IN A <egress address>`)
      : ok(`${ehlo} has ${addresses.join(', ')}`);
  });

/** PTR of the egress address, forward-confirmed, and the EHLO name among them. */
export const checkReverse = (egress: string, ehlo: string, dns: Dns): Promise<Finding> =>
  checked('PTR', async () => {
    const names = await dns.names(egress);
    const publish = `${reverseName(egress)}. IN PTR ${ehlo}.   ; by whoever the address belongs to`;
    if (names.length === 0) return wrong(`${egress} has no PTR`, publish);
    if (!names.includes(ehlo.toLowerCase()))
      return wrong(`${egress} is ${names.join(', ')}, not ${ehlo}`, publish);
    const back = await dns.addresses(ehlo);
    return back.includes(egress)
      ? ok(`${egress} is ${ehlo}, and ${ehlo} is ${egress}`)
      : wrong(`${egress} is ${ehlo}, which is ${back.join(', ') || 'nowhere'}`, addressRecord(ehlo, egress));
  });

/** Our DSNs have the null reverse-path, so that the EHLO name is what SPF is asked of (RFC 7208 §2.4). */
export const checkSpf = (egress: string, ehlo: string, dns: Dns): Promise<Finding> =>
  checked('SPF of EHLO', async () => {
    const [texts, own] = await Promise.all([dns.texts(ehlo), dns.addresses(ehlo)]);
    const result = judgeSpf(egress, texts, own);
    const publish = `${ehlo}. IN TXT "v=spf1 ip${isIP(egress)}:${egress} -all"`;
    switch (result) {
      case 'pass':
        return ok(`${ehlo} names ${egress}`);
      case 'not followed':
        return {
          result: 'unknown',
          text: `${ehlo}: its record goes through other names, which are not followed`,
        };
      default:
        return wrong(`${ehlo}, ${egress}: ${result}`, publish);
    }
  });

/** Mail for the domain comes to us. */
export const checkExchanger = (domain: string, hostname: string, dns: Dns): Promise<Finding> =>
  checked(`MX of ${domain}`, async () => {
    const exchangers = await dns.exchangers(domain);
    return exchangers.includes(hostname.toLowerCase())
      ? ok(exchangers.join(', '))
      : wrong(exchangers.join(', ') || 'none', `${domain}. IN MX 10 ${hostname}.`);
  });

/** A check that can't be made is neither good nor bad. */
export async function checked(check: string, act: () => Promise<Said>): Promise<Finding> {
  try {
    return { check, ...(await act()) };
  } catch (error) {
    return { check, result: 'unknown', text: error instanceof Error ? error.message : String(error) };
  }
}

export const ok = (text: string): Said => ({ result: 'ok', text });
export const wrong = (text: string, publish?: string): Said => ({
  result: 'wrong',
  text,
  ...(publish === undefined ? {} : { publish }),
});

const addressRecord = (name: string, address: string): string =>
  `${name}. IN ${isIP(address) === 4 ? 'A' : 'AAAA'} ${address}`;

/** RFC 1035 §3.5; for IPv6 RFC 3596 §2.5 */
export function reverseName(address: string): string {
  if (isIP(address) === 4) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const missing = Math.max(0, 8 - groups(head).length - groups(tail).length);
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail)];
  const digits = all.map((group) => group.padStart(4, '0')).join('');
  return `${Array.from(digits).reverse().join('.')}.ip6.arpa`;
}
