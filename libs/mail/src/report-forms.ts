/** The media types of a DSN's parts, for mail in US-ASCII and for internationalized mail (RFC 6533 §4). */
import type { DsnOptions } from './dsn.js';
import type { Envelope } from './mail-object.js';

export const is8bit = (content: Uint8Array): boolean => content.some((octet) => octet > 127);

export interface ReportForms {
  readonly statusType: 'message/delivery-status' | 'message/global-delivery-status';
  readonly returnedType:
    'message/rfc822' | 'text/rfc822-headers' | 'message/global' | 'message/global-headers';
  /** As it stands in the DSN. */
  readonly returned: Uint8Array;
  readonly encoding: '7bit' | '8bit' | 'base64';
}

/** It goes to an address that is not US-ASCII, so that the way there takes UTF-8 everywhere. */
export const isUtf8Report = ({ reversePath }: Envelope): boolean => !/^[\x00-\x7f]*$/.test(reversePath);

/** @param parts the second and, as the mail has it, the third */
export function reportForms(
  { cause, whole }: DsnOptions,
  { status, returned }: { readonly status: Uint8Array; readonly returned: Uint8Array },
): ReportForms {
  const statusType = is8bit(status) ? 'message/global-delivery-status' : 'message/delivery-status';
  if (cause.smtputf8 !== 'header')
    return {
      statusType,
      returnedType: whole === true ? 'message/rfc822' : 'text/rfc822-headers',
      returned,
      encoding: is8bit(returned) ? '8bit' : '7bit',
    };
  const returnedType = whole === true ? 'message/global' : 'message/global-headers';
  // RFC 6533 §4.5: in 7 bits where the way back may not take UTF-8.
  return isUtf8Report(cause)
    ? { statusType, returnedType, returned, encoding: '8bit' }
    : { statusType, returnedType, returned: base64(returned), encoding: 'base64' };
}

/** RFC 2045 §6.8: lines of 76 characters. */
function base64(content: Uint8Array): Buffer {
  const text = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64');
  return Buffer.from(text.replaceAll(/.{1,76}/g, '$&\r\n'), 'latin1');
}
