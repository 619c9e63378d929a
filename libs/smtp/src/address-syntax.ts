/**
 * Mailboxes and paths: a method a production, under the RFC's own name (RFC 5321 §4.1.2, §4.1.3). Each gives its
 * value or null, and then `problem` says why.
 */
import { domainToASCII } from 'node:url';
import { limits } from './limits.js';
import { TextCursor } from './text-cursor.js';
import { isAscii, octetsIn } from './utf8.js';

export interface Mailbox {
  /** Without quotes: `a b` for `"a b"@example.org`. Case as given (RFC 5321 §2.4). */
  readonly localPart: string;
  /** Lower case, in A-labels (RFC 6531 §3.2); an address literal with its brackets. */
  readonly domain: string;
  /** The whole, with no more quoting than it needs (RFC 5321 §4.1.2). */
  readonly text: string;
}

/** `<Postmaster>` without a domain (RFC 5321 §4.1.1.3, §4.5.1). */
export const domainlessPostmaster = 'postmaster';
export type ForwardPath = Mailbox | typeof domainlessPostmaster;

// RFC 6531 §3.3 adds UTF8-non-ascii; C1 controls are no text (RFC 5198 §2).
const atextRun = /[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u00a0-\u{10ffff}]+/uy;
const dotString =
  /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u00a0-\u{10ffff}]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\u00a0-\u{10ffff}]+)*$/u;
const qcontentSmtpRun = /(?:[\x20-\x21\x23-\x5b\x5d-\x7e\u00a0-\u{10ffff}]|\\[\x20-\x7e])*/uy;
const ldhRun = /[A-Za-z0-9-]+/y;
/** One or more U-labels among the others. */
const internationalizedRun = /[A-Za-z0-9.\-\u00a0-\u{10ffff}]+/uy;
const ldhDomain = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const literalRun = /[\x21-\x5a\x5e-\x7e]+/y;
const ipv6Tag = 'IPV6:';

export class AddressSyntax extends TextCursor {
  /** Reverse-path = Path / "<>". @returns '' for the null reverse-path */
  reversePath(): string | null {
    return this.take('<>') ? '' : (this.path()?.text ?? null);
  }

  /** "<Postmaster>" / Forward-path; Forward-path = Path */
  forwardPath(): ForwardPath | null {
    return this.take('<POSTMASTER>') ? domainlessPostmaster : this.path();
  }

  /** Path = "<" [ A-d-l ":" ] Mailbox ">" */
  path(): Mailbox | null {
    const start = this.at;
    if (!this.take('<')) return this.fail('Path must stand in angle brackets, as in <user@example.org>');
    if (this.peek('@') && !this.sourceRoute()) return null;
    const mailbox = this.mailbox();
    if (!mailbox) return null;
    if (!this.take('>')) return this.fail('Path must end with > after the domain');
    // RFC 5321 §4.5.3.1.3
    if (octetsIn(this.text.slice(start, this.at)) > limits.path)
      return this.fail(`Path is longer than ${limits.path} octets`);
    return mailbox;
  }

  /** A-d-l = At-domain *( "," At-domain ): must be taken, and is ignored (RFC 5321 §4.1.1.3, App. C). */
  sourceRoute(): boolean {
    do {
      if (!this.take('@') || this.domain() === null) {
        this.fail('Source route must be @domain,@domain: before the mailbox');
        return false;
      }
    } while (this.take(','));
    if (this.take(':')) return true;
    this.fail('Source route must end with : before the mailbox');
    return false;
  }

  /** Mailbox = Local-part "@" ( Domain / address-literal ) */
  mailbox(): Mailbox | null {
    const localPart = this.localPart();
    if (localPart === null) return null;
    if (!this.take('@')) return this.fail('Mailbox must be local-part@domain');
    const domain = this.peek('[') ? this.addressLiteral() : this.domain();
    if (domain === null) return null;
    return { localPart, domain, text: mailboxText(localPart, domain) };
  }

  /** Local-part = Dot-string / Quoted-string */
  localPart(): string | null {
    const localPart = this.peek('"') ? this.quotedString() : this.dotString();
    if (localPart !== null && octetsIn(localPart) > limits.localPart)
      return this.fail(`Local part is longer than ${limits.localPart} octets`);
    return localPart;
  }

  /** Dot-string = Atom *("." Atom) */
  dotString(): string | null {
    const start = this.at;
    do
      if (this.atom() === null)
        return this.fail('Local part has a character that must be quoted, or an empty part');
    while (this.take('.'));
    return this.text.slice(start, this.at);
  }

  /** Atom = 1*atext */
  atom(): string | null {
    return this.takeMatch(atextRun);
  }

  /** Quoted-string = DQUOTE *QcontentSMTP DQUOTE. @returns what it stands for */
  quotedString(): string | null {
    if (!this.take('"')) return this.fail('Quoted string must begin with "');
    const quoted = this.takeMatch(qcontentSmtpRun) ?? '';
    if (!this.take('"'))
      return this.fail('Quoted string does not end, or has a character that is not allowed');
    return quoted.replace(/\\(.)/g, '$1');
  }

  /** Domain = sub-domain *("." sub-domain). @returns lower case, in A-labels */
  domain(): string | null {
    const start = this.at;
    const whole = this.takeMatch(internationalizedRun);
    if (whole !== null && !isAscii(whole)) return this.internationalized(whole);
    this.at = start;
    do if (!this.subDomain()) return this.fail('Domain must be labels of letters, digits and inner hyphens');
    while (this.take('.'));
    const domain = this.text.slice(start, this.at).toLowerCase();
    // RFC 5321 §4.5.3.1.2
    return domain.length > limits.domain
      ? this.fail(`Domain is longer than ${limits.domain} octets`)
      : domain;
  }

  /** sub-domain =/ U-label (RFC 6531 §3.3), as DNS knows it (RFC 6531 §3.2, RFC 5890 §2.3.2.1). */
  protected internationalized(text: string): string | null {
    const domain = domainToASCII(text);
    // RFC 5891 §4.2.3.1
    const hyphens = /(?:^|\.)-|-(?:\.|$)/.test(text);
    if (!hyphens && domain.length <= limits.domain && ldhDomain.test(domain)) return domain;
    return this.fail('Domain has a label that is not one of letters and digits in any script');
  }

  /** sub-domain = Let-dig [Ldh-str]; Ldh-str ends with Let-dig. No underscore (RFC 5321 §4.1.2). */
  subDomain(): boolean {
    const label = this.takeMatch(ldhRun);
    return label !== null && label.length <= limits.label && !label.startsWith('-') && !label.endsWith('-');
  }

  /**
   * address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]".
   * No tag but IPv6 is registered, so that none other can be reached.
   */
  addressLiteral(): string | null {
    if (!this.take('[')) return this.fail('Address literal must begin with [');
    const literal = this.takeMatch(literalRun) ?? '';
    if (!this.take(']')) return this.fail('Address literal must end with ]');
    const tagged = literal.toUpperCase().startsWith(ipv6Tag);
    const address = tagged ? ipv6Address(literal.slice(ipv6Tag.length)) : ipv4Address(literal);
    if (address === undefined) return this.fail('Address literal must be [192.0.2.1] or [IPv6:2001:db8::1]');
    return tagged ? `[IPv6:${address}]` : `[${address}]`;
  }
}

/** IPv4-address-literal = Snum 3("." Snum); Snum = 1*3DIGIT, 0 to 255 */
function ipv4Address(text: string): string | undefined {
  const match = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/.exec(text);
  const numbers = match?.slice(1).map(Number);
  return numbers?.every((number) => number <= 255) ? numbers.join('.') : undefined;
}

const ipv6Groups = 8;

/** IPv6-addr = IPv6-full / IPv6-comp / IPv6v4-full / IPv6v4-comp */
function ipv6Address(text: string): string | undefined {
  const [left = '', right, ...more] = text.toLowerCase().split('::');
  if (more.length > 0) return undefined;
  const before = groupsOf(left, right === undefined);
  const after = right === undefined ? 0 : groupsOf(right, true);
  if (before === undefined || after === undefined) return undefined;
  const groups = before + after;
  // "::" stands for at least two groups of zeros (RFC 5321 §4.1.3).
  if (right === undefined ? groups !== ipv6Groups : groups > ipv6Groups - 2) return undefined;
  return text.toLowerCase();
}

/** How many 16-bit groups this part of an address holds; an IPv4 address at the very end counts for two. */
function groupsOf(part: string, last: boolean): number | undefined {
  if (part === '') return 0;
  const groups = part.split(':');
  const final = groups.at(-1) ?? '';
  const endsInIpv4 = last && final.includes('.');
  if (endsInIpv4 && ipv4Address(final) === undefined) return undefined;
  const hex = endsInIpv4 ? groups.slice(0, -1) : groups;
  if (!hex.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return undefined;
  return hex.length + (endsInIpv4 ? 2 : 0);
}

function mailboxText(localPart: string, domain: string): string {
  const plain = dotString.test(localPart);
  return `${plain ? localPart : `"${localPart.replace(/["\\]/g, '\\$&')}"`}@${domain}`;
}

export const isIpv4 = (text: string): boolean => ipv4Address(text) !== undefined;
export const isIpv6 = (text: string): boolean => text !== '' && ipv6Address(text) !== undefined;
