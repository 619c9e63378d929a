/** The parameters of DSN (RFC 3461 §4): what the sender wants to hear of the mail, and under which names. */
import type { EnvelopeDsn, Notify, Recipient } from '@postrider/mail';
import { parseUtf8Address, parseXtext, reply, type Reply } from '@postrider/smtp';

type Refused = { readonly refused: Reply };
const refused = (text: string): Refused => ({ refused: reply(501, '5.5.4', text) });

/** RFC 3461 §4.4 and §4.2: longer than these are in no DSN. */
const envidInOctets = 100;
const orcptInOctets = 500;
const printable = /^[\t\x20-\x7e]+$/;

/** "FULL" / "HDRS" */
export function retValue(
  value: string | undefined,
  dsn: EnvelopeDsn | undefined,
): { dsn: EnvelopeDsn } | Refused {
  const ret = value?.toUpperCase();
  return ret === 'FULL' || ret === 'HDRS' ? { dsn: { ...dsn, ret } } : refused('RET must be FULL or HDRS');
}

/** xtext, printable when it is decoded */
export function envidValue(
  value: string | undefined,
  dsn: EnvelopeDsn | undefined,
): { dsn: EnvelopeDsn } | Refused {
  const envid = value === undefined || value.length > envidInOctets ? undefined : parseXtext(value);
  return envid !== undefined && printable.test(envid)
    ? { dsn: { ...dsn, envid } }
    : refused('ENVID must be xtext of at most 100 characters');
}

const isNotify = (word: string): word is Notify => ['NEVER', 'SUCCESS', 'FAILURE', 'DELAY'].includes(word);

/** "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" ) */
export function notifyValue(value: string | undefined): Pick<Recipient, 'notify'> | Refused {
  const words = (value ?? '').toUpperCase().split(',');
  const notify = words.filter(isNotify);
  if (
    notify.length < words.length ||
    new Set(words).size < words.length ||
    (words.includes('NEVER') && words.length > 1)
  )
    return refused('NOTIFY must be NEVER, or some of SUCCESS,FAILURE,DELAY');
  return { notify };
}

/** addr-type ";" xtext; of the type utf-8: "utf-8;" utf-8-enc-addr (RFC 6533 §3) */
export function orcptValue(value: string | undefined): Pick<Recipient, 'orcpt'> | Refused {
  const [, type = '', encoded = ''] = /^([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+);(.+)$/.exec(value ?? '') ?? [];
  const utf8 = type.toLowerCase() === 'utf-8';
  const decode = utf8 ? parseUtf8Address : parseXtext;
  const address = encoded.length > orcptInOctets ? undefined : decode(encoded);
  if (utf8 && address !== undefined) return { orcpt: `${type};${address}` };
  return address !== undefined && printable.test(address)
    ? { orcpt: `${type};${address}` }
    : refused('ORCPT must be type;address in xtext, as in rfc822;user@example.org');
}
