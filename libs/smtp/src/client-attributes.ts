/**
 * Arguments of XCLIENT and XFORWARD: 1*( SP attribute-name "=" attribute-value ), values in xtext (Postfix
 * XCLIENT_README, XFORWARD_README).
 */
import { isIpv4, isIpv6 } from './address-syntax.js';
import { parseXtext } from './xtext.js';

/** By name in upper case; undefined for what is said to be unavailable. */
export type ClientAttributes = ReadonlyMap<string, string | undefined>;

const unavailable = /^\[UNAVAILABLE\]$/i;
const unavailableNow = /^\[TEMPUNAVAIL\]$/i;
/** The value of NAME where the name could not be looked up for now. */
export const nameUnavailableNow = '[TEMPUNAVAIL]';

/** @returns undefined for a name that is not among those known, for one twice, and for what is no xtext */
export function parseClientAttributes(
  argument: string,
  known: readonly string[],
): ClientAttributes | undefined {
  const attributes = new Map<string, string | undefined>();
  for (const part of argument.split(/ +/)) {
    const [, name = '', encoded = ''] = /^([A-Za-z]+)=(\S+)$/.exec(part) ?? [];
    const key = name.toUpperCase();
    const value = parseXtext(encoded);
    if (!known.includes(key) || attributes.has(key) || !value || /[^\x20-\x7e]/.test(value)) return undefined;
    attributes.set(key, available(key, value));
  }
  return attributes;
}

function available(key: string, value: string): string | undefined {
  if (unavailableNow.test(value)) return key === 'NAME' ? nameUnavailableNow : undefined;
  return unavailable.test(value) ? undefined : value;
}

/** `192.0.2.1` or `IPV6:2001:db8::1`. @returns undefined for what is no address */
export function parseClientAddress(text: string): string | undefined {
  if (isIpv4(text)) return text;
  const address = text.replace(/^IPV6:/i, '').toLowerCase();
  return isIpv6(address) ? address : undefined;
}
