/**
 * Addresses of the type utf-8 in ORCPT and DSNs (RFC 6533 §3). Decoded they are mailboxes of RFC 6531; encoded, what
 * xtext would escape stands as \x{HEX}, and in US-ASCII everything that is not.
 */
const hex = (character: string): string =>
  `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0')}}`;

/** utf-8-addr-xtext: US-ASCII. */
export const utf8AddressXtext = (address: string): string => address.replaceAll(/[^\x21-\x7e]|[\\+=]/gu, hex);

/** utf-8-addr-unitext: for those who take SMTPUTF8. */
export const utf8AddressUnitext = (address: string): string =>
  address.replaceAll(/[\x00-\x20\x7f\\+=]/gu, hex);

/** Of any of the forms. @returns undefined for what is none of them, or has a control */
export function parseUtf8Address(text: string): string | undefined {
  if (!/^(?:[^\x00-\x20\x7f-\x9f\\+=]|\\x\{(?:[0-9A-F]{2,5}|10[0-9A-F]{4})\})+$/u.test(text))
    return undefined;
  const address = text.replaceAll(/\\x\{([0-9A-F]+)\}/g, (_, digits: string) =>
    String.fromCodePoint(parseInt(digits, 16)),
  );
  return /[\p{Cc}\p{Cs}]/u.test(address) ? undefined : address;
}
