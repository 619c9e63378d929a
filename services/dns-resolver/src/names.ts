/** Names as they go into a query. */
import { domainToASCII } from 'node:url';

/** RFC 1035 §2.3.4, in text without the final dot. */
const longestName = 253;
/** Letters, digits, hyphens (RFC 1123 §2.1), and the underscores that real zones have. */
const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Lower case, without the final dot, U-labels as A-labels (RFC 5891 §4); undefined: no such name can exist. */
export function queryName(text: string): string | undefined {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;

  const name = /^[\x00-\x7f]*$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare);
  const valid = name.length <= longestName && name.split('.').every((part) => label.test(part));
  return valid ? name : undefined;
}
