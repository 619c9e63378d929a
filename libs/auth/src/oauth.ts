/**
 * OAUTHBEARER (RFC 7628) and XOAUTH2, its older form without an RFC: an access token for a password, so that it goes
 * only within TLS. A refused token is answered with a challenge that says in JSON why; the exchange fails after the
 * client's answer to it.
 */
import type { BearerTokens, TokenVerdict } from './bearer-tokens.js';
import { prepared } from './prepare.js';
import {
  emptyChallenge,
  malformed,
  utf8,
  wrong,
  type Mechanism,
  type SaslContext,
  type SaslExchange,
  type SaslStep,
} from './sasl.js';
import type { Identity } from './users.js';

/** What a client's first response says. */
export interface BearerResponse {
  /** Whom the client wants to be; undefined: whom the token names. */
  readonly authzid?: string;
  /** undefined: it has none, and asks where to get one (RFC 7628 §4.3). */
  readonly token?: string;
}

interface Form {
  readonly name: string;
  parse(text: string): BearerResponse | undefined;
  /** What the JSON says besides the scope. */
  errorOf(error: Refused, tokens: BearerTokens): Readonly<Record<string, string>>;
}

type Refused = Extract<TokenVerdict, { result: 'refused' }>['error'];

const mechanismOf = (form: Form): Mechanism => ({
  name: form.name,
  plainText: true,
  binds: false,
  begin: (context) => new Bearer(form, context),
});

export const oauthBearer = mechanismOf({
  name: 'OAUTHBEARER',
  parse: parseOauthBearer,
  errorOf: (status, { openidConfiguration }) => ({
    status,
    ...(openidConfiguration === undefined ? {} : { 'openid-configuration': openidConfiguration }),
  }),
});

export const xoauth2 = mechanismOf({
  name: 'XOAUTH2',
  parse: parseXoauth2,
  // The code that HTTP would have (RFC 6750 §3.1).
  errorOf: (error) => ({ status: error === 'invalid_token' ? '401' : '403', schemes: 'bearer' }),
});

class Bearer implements SaslExchange {
  name?: string;
  readonly #form: Form;
  readonly #context: SaslContext;
  /** The error was told; whatever the client answers, it has failed (RFC 7628 §3.2.3). */
  #hasFailed = false;

  constructor(form: Form, context: SaslContext) {
    this.#form = form;
    this.#context = context;
  }

  respond(response: Buffer | undefined): SaslStep | Promise<SaslStep> {
    if (this.#hasFailed) return wrong;
    if (!response) return emptyChallenge;
    const { tokens } = this.#context;
    const text = utf8(response);
    const parsed = text === undefined ? undefined : this.#form.parse(text);
    if (!parsed || !tokens) return malformed;
    if (parsed.authzid !== undefined) this.name = parsed.authzid;
    return parsed.token === undefined
      ? this.#refuse('invalid_token', tokens)
      : this.#check(parsed.token, parsed.authzid, tokens);
  }

  async #check(token: string, authzid: string | undefined, tokens: BearerTokens): Promise<SaslStep> {
    const verdict = await tokens.check(token);
    if (verdict.result === 'refused') return this.#refuse(verdict.error, tokens);
    const name = prepared(verdict.name);
    // Nobody acts for somebody else here.
    if (name === undefined || /\s/.test(name) || (authzid !== undefined && !isSame(authzid, name)))
      return this.#refuse('invalid_token', tokens);
    this.name = name;
    return { result: 'authenticated', identity: await this.#identity(name) };
  }

  /** Whom the issuer vouches for need not be among our users; who is has what is written there. */
  async #identity(name: string): Promise<Identity> {
    return (await this.#context.users.identity(name)) ?? { name, senders: [] };
  }

  #refuse(error: Refused, tokens: BearerTokens): SaslStep {
    this.#hasFailed = true;
    const { scope } = tokens;
    const told = { ...this.#form.errorOf(error, tokens), ...(scope === undefined ? {} : { scope }) };
    return { result: 'challenge', challenge: Buffer.from(JSON.stringify(told)) };
  }
}

const isSame = (authzid: string, name: string): boolean =>
  prepared(authzid)?.toLowerCase() === name.toLowerCase();

/** gs2-header kvsep *kvpair kvsep (RFC 7628 §3.1); a `p=` flag asks for a binding that there is not. */
const clientResponse = /^[ny],(?:a=([^,\x01]+))?,\x01((?:[A-Za-z]+=[\t\n\r\x20-\x7e]*\x01)*)\x01$/;

/**
 * `host` and `port` are not compared with ours: they are for token types that are signed with them, and a client behind
 * a balancer knows other ones.
 */
export function parseOauthBearer(text: string): BearerResponse | undefined {
  const [whole, saslname, pairs = ''] = clientResponse.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const authzid = saslname === undefined ? undefined : fromSaslname(saslname);
  if (saslname !== undefined && authzid === undefined) return undefined;
  return responseOf(authzid, valuesOf('auth', pairs));
}

/** "user=" name ^A "auth=Bearer " token ^A ^A */
export function parseXoauth2(text: string): BearerResponse | undefined {
  const [, user = '', auth] = /^user=([^\x01]+)\x01auth=([^\x01]*)\x01\x01$/.exec(text) ?? [];
  return auth === undefined ? undefined : responseOf(user, [auth]);
}

function responseOf(authzid: string | undefined, auth: readonly string[]): BearerResponse | undefined {
  if (auth.length > 1) return undefined;
  const token = tokenOf(auth[0] ?? '');
  return { ...(authzid === undefined ? {} : { authzid }), ...(token === undefined ? {} : { token }) };
}

/** "Bearer" 1*SP b64token (RFC 6750 §2.1) */
const tokenOf = (auth: string): string | undefined => /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(auth)?.[1];

const valuesOf = (key: string, pairs: string): readonly string[] =>
  pairs.split('\x01').flatMap((pair) => (pair.startsWith(`${key}=`) ? [pair.slice(key.length + 1)] : []));

/** saslname: "," and "=" are written =2C and =3D (RFC 5801 §4) */
function fromSaslname(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
