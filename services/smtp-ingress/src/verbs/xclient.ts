/**
 * xclient = "XCLIENT" 1*( SP attribute-name "=" attribute-value ) CRLF
 * xforward = "XFORWARD" 1*( SP attribute-name "=" attribute-value ) CRLF
 * A host of ours speaks for a client: by XCLIENT the session is that client's from now on, and begins anew; by XFORWARD
 * only what is told of the mail is (Postfix XCLIENT_README, XFORWARD_README).
 */
import type { Identity } from '@postrider/auth';
import { unmappedAddress } from '@postrider/mail';
import {
  nameUnavailableNow,
  parseClientAddress,
  parseClientAttributes,
  plainReply,
  reply,
  type ClientAttributes,
} from '@postrider/smtp';
import type { Ingress } from '../ingress.js';
import { banner, tooManyOf } from '../session/replies.js';
import { defineVerb, type SessionFacts, type Step } from './verb.js';

export const xclientAttributes = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'];
export const xforwardAttributes = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'];

export const trustsXclient = ({ address, xclientFrom }: SessionFacts): boolean => xclientFrom.has(address);

/** In no network, so that nothing is allowed for it. */
const unknownAddress = '0.0.0.0';

function addressIn(text: string): string | undefined {
  const address = parseClientAddress(text);
  return address === undefined ? undefined : unmappedAddress(address);
}

const notTrusted = reply(550, '5.7.0', 'You may not speak for another client');
const badAttributes = (names: readonly string[]): Step => ({
  reply: reply(501, '5.5.4', `Use NAME=value of ${names.join(' ')}`),
});
const badAddress: Step = { reply: reply(501, '5.5.4', 'ADDR must be an address, as in IPV6:2001:db8::1') };
const ok = reply(250, '2.0.0', 'Ok');

export const xclient = defineVerb({
  name: 'XCLIENT',
  syntax: 'XCLIENT attribute=value...',
  allowedIn: ['greeting', 'ready'],
  replies: [220, 421, 501, 503, 550],
  lastInGroup: true,
  async act(argument, _, facts) {
    if (!trustsXclient(facts)) return { reply: notTrusted };
    const attributes = parseClientAttributes(argument, xclientAttributes);
    if (!attributes) return badAttributes(xclientAttributes);
    const given = attributes.has('ADDR') ? (attributes.get('ADDR') ?? unknownAddress) : facts.address;
    const address = addressIn(given);
    if (address === undefined) return badAddress;
    const terms = attributes.has('ADDR') ? facts.counted.becomes(address) : undefined;
    if (terms && 'tooManyOf' in terms)
      return { reply: tooManyOf(terms, facts.ingress.settings.hostname), then: { do: 'close' } };
    const identity = await identityIn(attributes, facts);
    const nameOf = nameIn(attributes) ?? facts.spokenFor?.nameOf;
    return {
      reply: plainReply(220, banner(facts)),
      state: { name: 'greeting' },
      facts: { ...terms, address, identity, spokenFor: { identity, ...(nameOf ? { nameOf } : {}) } },
    };
  },
});

/**
 * What an earlier XCLIENT has said stays, since ADDR is to come last; who has authenticated was the one that speaks.
 * Somebody whom our users' file does not know owns the address of his name alone.
 */
async function identityIn(
  attributes: ClientAttributes,
  { auth, spokenFor }: SessionFacts,
): Promise<Identity | undefined> {
  if (!attributes.has('LOGIN')) return spokenFor?.identity;
  const name = attributes.get('LOGIN');
  if (name === undefined) return undefined;
  return (await auth?.users.identity(name)) ?? { name, senders: [] };
}

/** In the place of what the resolver says; undefined where there is no NAME. */
function nameIn(attributes: ClientAttributes): Ingress['nameOf'] | undefined {
  if (!attributes.has('NAME')) return undefined;
  const name = attributes.get('NAME');
  return name === nameUnavailableNow
    ? () => Promise.reject(new Error('the name is not available now'))
    : () => Promise.resolve(name);
}

export const xforward = defineVerb({
  name: 'XFORWARD',
  syntax: 'XFORWARD attribute=value...',
  allowedIn: ['ready'],
  replies: [250, 421, 501, 503, 550],
  lastInGroup: false,
  act(argument, _, facts) {
    if (!trustsXclient(facts)) return { reply: notTrusted };
    const attributes = parseClientAttributes(argument, xforwardAttributes);
    if (!attributes) return badAttributes(xforwardAttributes);
    const given = attributes.get('ADDR');
    const named = given === undefined ? undefined : addressIn(given);
    if (given !== undefined && named === undefined) return badAddress;
    // What is not named stays as it was; what is not available is forgotten.
    const address = attributes.has('ADDR') ? named : facts.forwarded?.address;
    const helo = attributes.has('HELO') ? readable(attributes.get('HELO')) : facts.forwarded?.helo;
    return {
      reply: ok,
      facts: {
        forwarded: { ...(address === undefined ? {} : { address }), ...(helo === undefined ? {} : { helo }) },
      },
    };
  },
});

const readable = (name: string | undefined): string | undefined =>
  name !== undefined && /^[!-~]{1,255}$/.test(name) ? name : undefined;
