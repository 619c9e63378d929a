/** The parameters of MAIL that say what the content is, and how it may travel. */
import { reply, type Reply } from '@postrider/smtp';
import type { Transaction } from './session/session-state.js';
import { offersChunking } from './verbs/bdat.js';
import type { SessionFacts } from './verbs/verb.js';

type Refused = { readonly refused: Reply };

/** body-value = "7BIT" / "8BITMIME" (RFC 6152 §2) / "BINARYMIME", where BDAT is taken (RFC 3030 §3) */
export function bodyValue(
  value: string | undefined,
  facts: SessionFacts,
): Pick<Transaction, 'body'> | Refused {
  const body = value?.toUpperCase();
  if (body === '7BIT' || body === '8BITMIME') return { body };
  if (body === 'BINARYMIME' && offersChunking(facts)) return { body };
  const known = offersChunking(facts) ? '7BIT, 8BITMIME or BINARYMIME' : '7BIT or 8BITMIME';
  return { refused: reply(501, '5.5.4', `BODY must be ${known}`) };
}

/** RFC 6531 §3.4: without a value */
export const smtputf8Value = (value: string | undefined): Pick<Transaction, 'smtputf8'> | Refused =>
  value === undefined ? { smtputf8: 'asked' } : { refused: reply(501, '5.5.4', 'SMTPUTF8 takes no value') };

/** RFC 8689 §2: without a value */
export const requireTlsValue = (value: string | undefined): Pick<Transaction, 'requireTls'> | Refused =>
  value === undefined ? { requireTls: true } : { refused: reply(501, '5.5.4', 'REQUIRETLS takes no value') };
