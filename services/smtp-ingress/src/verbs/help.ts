/**
 * help = "HELP" [ SP String ] CRLF
 * Printed from the table of verbs (RFC 5321 §4.1.1.8).
 */
import { reply } from '@postrider/smtp';
import { anyTime, defineVerb } from './verb.js';

export const help = defineVerb({
  name: 'HELP',
  syntax: 'HELP [verb]',
  allowedIn: anyTime,
  replies: [211, 214, 502, 504],
  lastInGroup: false,
  announced: true,
  act(argument, _, { role: { verbs } }) {
    if (argument === '') {
      const syntaxes = [...verbs.values()].map(({ syntax }) => syntax);
      return { reply: reply(214, '2.0.0', 'These commands are known here:', ...syntaxes) };
    }
    const verb = verbs.get(argument.toUpperCase());
    return { reply: verb ? reply(214, '2.0.0', verb.syntax) : reply(504, '5.5.4', 'No help on that') };
  },
});
