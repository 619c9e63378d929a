/** Arguments of the commands (RFC 5321 §4.1.1), a method a production. */
import { AddressSyntax, type ForwardPath } from './address-syntax.js';

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
const esmtpValue = /[\x21-\x3c\x3e-\x7e]+/y;
const spaces = / +/y;

class CommandSyntax extends AddressSyntax {
  /** ( Domain / address-literal ); text after a literal is ignored (RFC 5321 §4.1.1.1). */
  ehloArgument(): Parsed<string> {
    const literal = this.peek('[');
    const name = literal ? this.addressLiteral() : this.domain();
    if (name === null) return { ok: false, part: 'command', problem: this.problem };
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
  new CommandSyntax(argument).mailArguments();
export const parseRcptArguments = (argument: string): Parsed<RcptArguments> =>
  new CommandSyntax(argument).rcptArguments();

/** NOOP, HELP and VRFY take a String (RFC 5321 §4.1.1.6). */
export const isString = (argument: string): boolean => {
  const syntax = new CommandSyntax(argument);
  return syntax.string() !== null && syntax.atEnd();
};
