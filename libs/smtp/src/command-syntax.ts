/** Arguments of the commands (RFC 5321 §4.1.1), a method a production. */
import { AddressSyntax, type ForwardPath } from './address-syntax.js';
import { isAscii, utf8Text } from './utf8.js';

/** Keywords in upper case; a keyword alone has no value. */
export type EsmtpParameters = ReadonlyMap<string, string | undefined>;

export interface MailArguments {
  /** '' is the null reverse-path. */
  readonly reversePath: string;
  readonly parameters: EsmtpParameters;
}

export interface RcptArguments {
  readonly forwardPath: ForwardPath;
  readonly parameters: EsmtpParameters;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** `part` tells apart a bad address from a bad command (RFC 3463: 5.1.x against 5.5.x). */
  | { readonly ok: false; readonly part: 'command' | 'path' | 'parameters'; readonly problem: string };

const noParameters: EsmtpParameters = new Map();
const esmtpKeyword = /[A-Za-z0-9][A-Za-z0-9-]*/y;
/** With UTF8-non-ascii (RFC 6531 §3.3). */
const esmtpValue = /[\x21-\x3c\x3e-\x7e\u00a0-\u{10ffff}]+/uy;
const spaces = / +/y;

class CommandSyntax extends AddressSyntax {
  /** ( Domain / address-literal ); text after a literal is ignored (RFC 5321 §4.1.1.1). */
  ehloArgument(): Parsed<string> {
    const literal = this.peek('[');
    const name = literal ? this.addressLiteral() : this.domain();
    if (name === null) return { ok: false, part: 'command', problem: this.problem };
    // RFC 6531 §3.7.1: what comes here is not known to be UTF-8, and must be LDH labels.
    if (!isAscii(this.text)) return { ok: false, part: 'command', problem: 'Use A-labels in the domain' };
    if (this.atEnd() || (literal && this.peek(' '))) return { ok: true, value: name };
    return { ok: false, part: 'command', problem: 'Only a domain or an address literal may be given' };
  }

  /** mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF */
  mailArguments(): Parsed<MailArguments> {
    if (!this.keywordBeforePath('FROM:'))
      return { ok: false, part: 'command', problem: 'Use MAIL FROM:<address>' };
    const reversePath = this.reversePath();
    if (reversePath === null) return { ok: false, part: 'path', problem: this.problem };
    const parameters = this.parameters();
    if (!parameters) return { ok: false, part: 'parameters', problem: this.problem };
    return { ok: true, value: { reversePath, parameters } };
  }

  /** rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF */
  rcptArguments(): Parsed<RcptArguments> {
    if (!this.keywordBeforePath('TO:'))
      return { ok: false, part: 'command', problem: 'Use RCPT TO:<address>' };
    const forwardPath = this.forwardPath();
    if (forwardPath === null) return { ok: false, part: 'path', problem: this.problem };
    const parameters = this.parameters();
    if (!parameters) return { ok: false, part: 'parameters', problem: this.problem };
    return { ok: true, value: { forwardPath, parameters } };
  }

  /**
   * Departs from RFC 5321 §3.3, which allows no space after the colon: so many clients send one that all servers
   * take it.
   */
  keywordBeforePath(keyword: string): boolean {
    if (!this.take(keyword)) return false;
    this.takeMatch(spaces);
    return true;
  }

  /** [SP esmtp-param *(SP esmtp-param)] up to the end */
  parameters(): EsmtpParameters | null {
    if (this.atEnd()) return noParameters;
    const parameters = new Map<string, string | undefined>();
    do {
      if (this.takeMatch(spaces) === null) return this.fail('A space must stand before each parameter');
      const [keyword, value] = this.esmtpParam() ?? [];
      if (keyword === undefined) return this.fail('Parameter must be KEYWORD or KEYWORD=value');
      if (parameters.has(keyword)) return this.fail(`Parameter ${keyword} is given twice`);
      parameters.set(keyword, value);
    } while (!this.atEnd());
    return parameters;
  }

  /** esmtp-param = esmtp-keyword ["=" esmtp-value] */
  esmtpParam(): readonly [string, string | undefined] | null {
    const keyword = this.takeMatch(esmtpKeyword)?.toUpperCase();
    if (keyword === undefined) return null;
    if (!this.take('=')) return [keyword, undefined];
    const value = this.takeMatch(esmtpValue);
    return value === null ? null : [keyword, value];
  }

  /** String = Atom / Quoted-string. @returns what it stands for */
  string(): string | null {
    return this.peek('"') ? this.quotedString() : this.atom();
  }
}

export const parseEhloArgument = (argument: string): Parsed<string> =>
  new CommandSyntax(argument).ehloArgument();
export const parseMailArguments = (argument: string): Parsed<MailArguments> =>
  withUtf8(argument, (syntax) => syntax.mailArguments());
export const parseRcptArguments = (argument: string): Parsed<RcptArguments> =>
  withUtf8(argument, (syntax) => syntax.rcptArguments());

/** @param argument an octet a character; what is not US-ASCII is to be UTF-8 (RFC 6531 §3.2) */
function withUtf8<T>(argument: string, parse: (syntax: CommandSyntax) => Parsed<T>): Parsed<T> {
  const text = utf8Text(argument);
  return text === undefined
    ? { ok: false, part: 'path', problem: 'What is not US-ASCII must be UTF-8' }
    : parse(new CommandSyntax(text));
}

/** NOOP, HELP and VRFY take a String (RFC 5321 §4.1.1.6). */
export const isString = (argument: string): boolean => {
  const syntax = new CommandSyntax(argument);
  return syntax.string() !== null && syntax.atEnd();
};
