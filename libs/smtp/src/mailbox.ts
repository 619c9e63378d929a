/** A mailbox or domain as a whole text, for those who have one from elsewhere than a command. */
import { AddressSyntax, type Mailbox } from './address-syntax.js';

/** @returns undefined when the text is no Mailbox (RFC 5321 §4.1.2) */
export function parseMailbox(text: string): Mailbox | undefined {
  const syntax = new AddressSyntax(text);
  const mailbox = syntax.mailbox();
  return mailbox && syntax.atEnd() ? mailbox : undefined;
}

export const isMailbox = (text: string): boolean => parseMailbox(text) !== undefined;

export function isDomain(text: string): boolean {
  const syntax = new AddressSyntax(text);
  return syntax.domain() !== null && syntax.atEnd();
}

/**
 * Local part as written and domain in lower case, for a text known to be a mailbox. Only the last @ parts them: a
 * quoted local part may hold others.
 */
export function splitMailbox(text: string): { readonly localPart: string; readonly domain: string } {
  const at = text.lastIndexOf('@');
  return at === -1
    ? { localPart: text, domain: '' }
    : { localPart: text.slice(0, at), domain: text.slice(at + 1).toLowerCase() };
}
