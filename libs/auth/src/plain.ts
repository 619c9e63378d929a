/** PLAIN (RFC 4616) and LOGIN, which show the password: only within TLS. */
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

/** message = [authzid] UTF8NUL authcid UTF8NUL passwd */
export const plain: Mechanism = {
  name: 'PLAIN',
  plainText: true,
  binds: false,
  begin: (context) => new Plain(context),
};

class Plain implements SaslExchange {
  name?: string;
  readonly #context: SaslContext;

  constructor(context: SaslContext) {
    this.#context = context;
  }

  respond(response: Buffer | undefined): SaslStep | Promise<SaslStep> {
    if (!response) return emptyChallenge;
    const [authzid, authcid, password, ...more] = utf8(response)?.split('\0') ?? [];
    if (!authcid || !password || more.length > 0) return malformed;
    this.name = authcid;
    // Nobody acts for somebody else here.
    if (authzid !== '' && authzid !== authcid) return wrong;
    return check(this.#context, authcid, password);
  }
}

/** LOGIN has no RFC (draft-murchison-sasl-login): a name and a password, each asked for. */
export const login: Mechanism = {
  name: 'LOGIN',
  plainText: true,
  binds: false,
  begin: (context) => new Login(context),
};

const ask = (text: string): SaslStep => ({ result: 'challenge', challenge: Buffer.from(text) });

class Login implements SaslExchange {
  name?: string;
  readonly #context: SaslContext;

  constructor(context: SaslContext) {
    this.#context = context;
  }

  respond(response: Buffer | undefined): SaslStep | Promise<SaslStep> {
    if (!response) return ask('Username:');
    const text = utf8(response);
    if (!text) return malformed;
    if (this.name !== undefined) return check(this.#context, this.name, text);
    this.name = text;
    return ask('Password:');
  }
}

async function check({ users }: SaslContext, name: string, password: string): Promise<SaslStep> {
  const identity = await users.checkPassword(name, password);
  return identity ? { result: 'authenticated', identity } : wrong;
}
