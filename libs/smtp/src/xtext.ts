/**
 * xtext = *( xchar / hexchar ), hexchar = "+" 2HEXDIG in upper case (RFC 3461 §4): any octets in the value of a
 * parameter.
 */
const form = /^(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*$/;

/** @returns what it stands for, an octet a character; undefined for what is no xtext */
export function parseXtext(text: string): string | undefined {
  if (!form.test(text)) return undefined;
  return text.replace(/\+(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** @param text an octet a character */
export function printXtext(text: string): string {
  return text.replace(/[^\x21-\x2a\x2c-\x3c\x3e-\x7e]/g, (octet) => {
    const code = octet.charCodeAt(0) & 0xff;
    return `+${code.toString(16).toUpperCase().padStart(2, '0')}`;
  });
}
