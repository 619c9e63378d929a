/**
 * xclient = "XCLIENT" 1*( SP attribute-name "=" attribute-value ) CRLF
 * xforward = "XFORWARD" 1*( SP attribute-name "=" attribute-value ) CRLF
 * A host of ours speaks for a client: by XCLIENT the session is that client's from now on, and begins anew; by XFORWARD
 * only what is told of the mail is (Postfix XCLIENT_README, XFORWARD_README).
 */
import { parseClientAddress, parseClientAttributes, plainReply, reply } from '@postrider/smtp';
import { banner } from '../session/replies.js';
import { defineVerb, type SessionFacts, type Step } from './verb.js';

export const xclientAttributes = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT'];
export const xforwardAttributes = ['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE'];

export const trustsXclient = ({ address, xclientFrom }: SessionFacts): boolean => xclientFrom.has(address);

/** In no network, so that nothing is allowed for it. */
const unknownAddress = '0.0.0.0';

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
    const address = parseClientAddress(given);
    if (address === undefined) return badAddress;
    const login = attributes.get('LOGIN');
    // Somebody whom our users' file does not know owns the address of his name alone.
    const identity = login === undefined ? undefined : await facts.auth?.users.identity(login);
    return {
      reply: plainReply(220, banner(facts)),
      state: { name: 'greeting' },
      facts: {
        address,
        identity: identity ?? (login === undefined ? undefined : { name: login, senders: [] }),
      },
    };
  },
});

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
    const address = given === undefined ? facts.forwarded?.address : parseClientAddress(given);
    if (given !== undefined && address === undefined) return badAddress;
    const name = attributes.get('HELO');
    const helo = name !== undefined && /^[!-~]{1,255}$/.test(name) ? name : facts.forwarded?.helo;
    return {
      reply: ok,
      facts: {
        forwarded: { ...(address === undefined ? {} : { address }), ...(helo === undefined ? {} : { helo }) },
      },
    };
  },
});
