/**
 * help = "HELP" [ SP String ] CRLF
 * Printed from the table of verbs (RFC 5321 §4.1.1.8).
 */
import { reply } from '@postrider/smtp';
import { asksTooEarly, mayAsk } from '../policy/privacy.js';
import { notNow } from '../session/replies.js';
import { anyTime, defineVerb } from './verb.js';

const notOffered = reply(502, '5.5.1', 'HELP is not offered here');

export const help = defineVerb({
  name: 'HELP',
  syntax: 'HELP [verb]',
  allowedIn: anyTime,
  replies: [211, 214, 502, 504],
  lastInGroup: false,
  announced: (facts) => mayAsk('help', facts),
  act(argument, state, facts) {
    if (asksTooEarly(state, facts)) return { reply: notNow(state.name) };
    if (!mayAsk('help', facts)) return { reply: notOffered };
    const { verbs } = facts.role;
    if (argument === '') {
      const syntaxes = [...verbs.values()].map(({ syntax }) => syntax);
      return { reply: reply(214, '2.0.0', 'These commands are known here:', ...syntaxes) };
    }
    const verb = verbs.get(argument.toUpperCase());
    return { reply: verb ? reply(214, '2.0.0', verb.syntax) : reply(504, '5.5.4', 'No help on that') };
  },
});
