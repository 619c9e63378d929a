/** Which addresses an identity may send from. */
import type { Identity } from './users.js';

/**
 * @param address local part and domain; the domain in any case
 * @param localDomains a name without @ is a local part in these
 */
export function maySendAs(
  { name, senders }: Identity,
  address: string,
  localDomains: ReadonlySet<string>,
): boolean {
  const at = address.lastIndexOf('@');
  const localPart = address.slice(0, at);
  const domain = address.slice(at + 1).toLowerCase();
  const isOwn = name.includes('@')
    ? sameAddress(name, localPart, domain)
    : localPart.toLowerCase() === name.toLowerCase() && localDomains.has(domain);
  return (
    isOwn ||
    senders.some(
      (sender) =>
        sender === '*' || sender.toLowerCase() === `@${domain}` || sameAddress(sender, localPart, domain),
    )
  );
}

/** In any case: two people with one name in two cases would not be told apart by anybody who reads it. */
const sameAddress = (address: string, localPart: string, domain: string): boolean =>
  address.toLowerCase() === `${localPart.toLowerCase()}@${domain}`;
