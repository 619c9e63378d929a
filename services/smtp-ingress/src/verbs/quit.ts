/**
 * quit = "QUIT" CRLF
 * Ends the session (RFC 5321 §4.1.1.10).
 */
import { reply } from '@postrider/smtp';
import { noArgument } from '../session/replies.js';
import { anyTime, defineVerb } from './verb.js';

export const quit = defineVerb({
  name: 'QUIT',
  syntax: 'QUIT',
  allowedIn: anyTime,
  replies: [221],
  lastInGroup: true,
  act(argument, _, { ingress }) {
    if (argument !== '') return { reply: noArgument('QUIT') };
    return {
      reply: reply(221, '2.0.0', `${ingress.settings.hostname} Service closing transmission channel`),
      state: { name: 'closed' },
      then: { do: 'close', wasAsked: true },
    };
  },
});
