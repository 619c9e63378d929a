/** Verbs that are known and not offered; each says why (RFC 5321 §4.2.4: 502, not 500). */
import { reply } from '@postrider/smtp';
import { anyTime, defineVerb, type Verb } from './verb.js';

const reasons: Readonly<Record<string, string>> = {
  // RFC 5321 App. F.1
  TURN: 'TURN is not offered: it can not be told who would get the mail',
  // RFC 5321 App. F.6
  SEND: 'SEND is not offered: there are no terminals here; use MAIL',
  SOML: 'SOML is not offered: there are no terminals here; use MAIL',
  SAML: 'SAML is not offered: there are no terminals here; use MAIL',
};

/** RFC 2033 §4.1 */
export const notInLmtp: readonly Verb[] = ['EHLO', 'HELO'].map((name) =>
  defineVerb({
    name,
    syntax: 'LMTP is spoken here: use LHLO',
    allowedIn: anyTime,
    replies: [500],
    lastInGroup: true,
    act: () => ({ reply: reply(500, '5.5.1', 'LMTP is spoken here: use LHLO') }),
  }),
);

export const refusedVerbs: readonly Verb[] = Object.entries(reasons).map(([name, reason]) =>
  defineVerb({
    name,
    syntax: reason,
    allowedIn: anyTime,
    replies: [502],
    lastInGroup: name === 'TURN',
    act: () => ({ reply: reply(502, '5.5.1', reason) }),
  }),
);
