/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), with the channel bindings tls-exporter (RFC 9266) and
 * tls-unique (RFC 5929). The password is never shown, and the server shows that it knows the user, too.
 *
 *   C: gs2-header client-first-bare   n,,n=user,r=nonce
 *   S: server-first                   r=nonce+ours,s=salt,i=rounds
 *   C: client-final                   c=base64(gs2-header + binding),r=nonce+ours,p=proof
 *   S: server-final                   v=signature, as a last challenge (RFC 4954 §4); the client answers with nothing
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import {
  emptyChallenge,
  malformed,
  utf8,
  wrong,
  type BindingType,
  type Mechanism,
  type SaslContext,
  type SaslExchange,
  type SaslStep,
} from './sasl.js';
import { hash, hmac } from './scram-keys.js';
import type { Identity, ScramKeys } from './users.js';

const nonceInOctets = 18;
const newNonce = (): string => randomBytes(nonceInOctets).toString('base64');

export const scramSha256 = scram('SCRAM-SHA-256', false);
export const scramSha256Plus = scram('SCRAM-SHA-256-PLUS', true);

/** @param nonce ours, printable without commas (RFC 5802 §5.1) */
export function scram(name: string, binds: boolean, nonce: () => string = newNonce): Mechanism {
  return { name, plainText: false, binds, begin: (context) => new Scram(context, binds, nonce()) };
}

/** gs2-header = gs2-cbind-flag "," [ "a=" saslname ] "," (RFC 5802 §7) */
const clientFirst =
  /^((?:([yn])|p=([A-Za-z0-9.-]+)),(?:a=([^,]*))?,)(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s;
const clientFinal =
  /^(c=([A-Za-z0-9+/]+={0,2}),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*?)?),p=([A-Za-z0-9+/]+={0,2})$/s;

interface Begun {
  readonly header: string;
  readonly bound: Buffer;
  readonly first: string;
  readonly serverFirst: string;
  readonly nonce: string;
  readonly keys: ScramKeys;
}

class Scram implements SaslExchange {
  name?: string;
  readonly #context: SaslContext;
  readonly #binds: boolean;
  readonly #nonce: string;
  #begun: Begun | undefined;
  #identity: Identity | undefined;

  constructor(context: SaslContext, binds: boolean, nonce: string) {
    this.#context = context;
    this.#binds = binds;
    this.#nonce = nonce;
  }

  respond(response: Buffer | undefined): SaslStep | Promise<SaslStep> {
    if (!response) return emptyChallenge;
    // The client has seen our signature, and has nothing to add.
    if (this.#identity)
      return response.length === 0 ? { result: 'authenticated', identity: this.#identity } : malformed;
    const text = utf8(response);
    if (text === undefined) return malformed;
    return this.#begun ? this.#finish(text, this.#begun) : this.#start(text);
  }

  async #start(text: string): Promise<SaslStep> {
    const [, header = '', flag, bindingType, authzid, first = '', user = '', clientNonce] =
      clientFirst.exec(text) ?? [];
    const name = saslname(user);
    if (name === undefined || clientNonce === undefined) return malformed;
    this.name = name;
    if (authzid !== undefined && saslname(authzid) !== name) return wrong;
    const bound = this.#bound(flag, bindingType);
    if (!bound) return malformed;
    const keys = await this.#context.users.scramKeys(name);
    const nonce = clientNonce + this.#nonce;
    const serverFirst = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}`;
    this.#begun = { header, bound, first, serverFirst, nonce, keys };
    return { result: 'challenge', challenge: Buffer.from(serverFirst) };
  }

  /** @returns what c= must end with; undefined when the flag does not fit (RFC 5802 §6) */
  #bound(flag: string | undefined, type: string | undefined): Buffer | undefined {
    if (this.#binds) return isBindingType(type) ? this.#context.binding(type) : undefined;
    // `y`: the client would have bound, and thinks that we can't. Somebody has taken it out of our list.
    if (type !== undefined || (flag === 'y' && this.#context.offersBinding)) return undefined;
    return Buffer.alloc(0);
  }

  async #finish(text: string, begun: Begun): Promise<SaslStep> {
    const { header, bound, first, serverFirst, nonce, keys } = begun;
    const [, withoutProof = '', channel = '', theirs, proofText = ''] = clientFinal.exec(text) ?? [];
    const proof = Buffer.from(proofText, 'base64');
    if (theirs !== nonce || proof.length !== keys.storedKey.length) return malformed;
    const authMessage = `${first},${serverFirst},${withoutProof}`;
    const signature = hmac(keys.storedKey, authMessage);
    const clientKey = Buffer.from(proof.map((octet, n) => octet ^ (signature[n] ?? 0)));
    const right = timingSafeEqual(hash(clientKey), keys.storedKey);
    const identity = await this.#context.users.identity(this.name ?? '');
    const expected = Buffer.concat([Buffer.from(header), bound]);
    if (!right || !identity || !Buffer.from(channel, 'base64').equals(expected)) return wrong;
    this.#identity = identity;
    const verifier = hmac(keys.serverKey, authMessage).toString('base64');
    return { result: 'challenge', challenge: Buffer.from(`v=${verifier}`) };
  }
}

const isBindingType = (type: string | undefined): type is BindingType =>
  type === 'tls-exporter' || type === 'tls-unique';

/** saslname: `=2C` stands for a comma, `=3D` for `=`, and nothing else after a `=` (RFC 5802 §5.1) */
function saslname(text: string): string | undefined {
  if (text === '' || /=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
