/**
 * vrfy = "VRFY" SP String [ SP "SMTPUTF8" ] CRLF
 * expn = "EXPN" SP String [ SP "SMTPUTF8" ] CRLF
 * Who an address is, and who is behind an alias, for those whom `privacy` lets ask (RFC 5321 §3.5, §7.3).
 */
import { isAscii, parseMailbox, reply, utf8Text, type Mailbox, type Reply } from '@postrider/smtp';
import { asksTooEarly, mayAsk } from '../policy/privacy.js';
import { notNow } from '../session/replies.js';
import { anyTime, defineVerb, type SessionFacts } from './verb.js';

/** RFC 5321 §3.5.3: nobody learns by this whether there is such a user. */
const notVerified = reply(252, '2.1.5', 'Users are not verified here; send mail, and delivery will be tried');
const notExpanded = reply(502, '5.5.1', 'EXPN is not offered: lists are private here');
const needsUtf8 = reply(252, '2.6.8', 'The answer is not US-ASCII; ask with SMTPUTF8');
/** RFC 5321 §3.5.3: it can't be told at the moment, and there is no code of 4yz for it (§4.3.2). */
const cannotTell = reply(252, '2.0.0', 'This can not be told now; send mail, and delivery will be tried');

export const vrfy = defineVerb({
  name: 'VRFY',
  syntax: 'VRFY user [SMTPUTF8]',
  allowedIn: anyTime,
  replies: [250, 251, 252, 550, 551, 553, 502, 504],
  lastInGroup: true,
  announced: (facts) => mayAsk('vrfy', facts),
  async act(argument, state, facts) {
    if (asksTooEarly(state, facts)) return { reply: notNow(state.name) };
    if (argument === '') return { reply: reply(501, '5.5.4', 'Use VRFY user') };
    if (!mayAsk('vrfy', facts)) return { reply: notVerified };
    const mailbox = asked(argument, facts);
    if (!mailbox) return { reply: reply(553, '5.1.3', 'This is no address') };
    const { localDomains } = facts.ingress.settings.relay;
    const isOurs = localDomains.has(mailbox.domain);
    return { reply: isOurs ? readable(await found(mailbox, facts, false), argument) : notVerified };
  },
});

export const expn = defineVerb({
  name: 'EXPN',
  syntax: 'EXPN list [SMTPUTF8]',
  allowedIn: anyTime,
  replies: [250, 252, 550, 500, 502, 504],
  lastInGroup: true,
  // RFC 5321 §3.5.2: it has to be.
  announced: (facts) => mayAsk('expn', facts),
  async act(argument, state, facts) {
    if (asksTooEarly(state, facts)) return { reply: notNow(state.name) };
    if (!mayAsk('expn', facts)) return { reply: notExpanded };
    if (argument === '') return { reply: reply(501, '5.5.4', 'Use EXPN list') };
    const mailbox = asked(argument, facts);
    const isOurs = mailbox && facts.ingress.settings.relay.localDomains.has(mailbox.domain);
    return {
      reply: isOurs
        ? readable(await found(mailbox, facts, true), argument)
        : reply(550, '5.1.2', 'This is no list of ours'),
    };
  },
});

/** [ SP "SMTPUTF8" ] at the end: UTF-8 may stand in the reply (RFC 6531 §3.7.4.2). */
const withSmtputf8 = / +SMTPUTF8$/i;

/** Mailboxes as the client can read them (RFC 6531 §3.7.4.2, X.6.8). */
function readable(given: Reply, argument: string): Reply {
  if (given.lines.every(isAscii)) return given;
  return withSmtputf8.test(argument) ? { ...given, utf8: true } : needsUtf8;
}

/** `user`, `user@domain`, or that in angle brackets. */
function asked(argument: string, { ingress: { settings } }: SessionFacts): Mailbox | undefined {
  const text = utf8Text(argument.replace(withSmtputf8, ''))?.replace(/^<(.*)>$/, '$1');
  if (text === undefined) return undefined;
  const [first = settings.hostname] = settings.relay.localDomains;
  return parseMailbox(text.includes('@') ? text : `${text}@${first}`);
}

async function found({ text }: Mailbox, { ingress }: SessionFacts, expand: boolean): Promise<Reply> {
  try {
    const answer = await ingress.resolve(text);
    switch (answer.result) {
      case 'local':
        return reply(250, '2.1.5', `<${text}>`);
      case 'expanded': {
        const [first = text, ...others] = answer.members.map((member) => `<${member}>`);
        return expand ? reply(250, '2.1.5', first, ...others) : reply(250, '2.1.5', `<${text}>`);
      }
      case 'list':
        return expand ? cannotTell : reply(250, '2.1.5', `<${text}>`);
      case 'unknown':
        return reply(550, '5.1.1', `No such user here: <${text}>`);
      default:
        return cannotTell;
    }
  } catch {
    return cannotTell;
  }
}
