/**
 * vrfy = "VRFY" SP String CRLF
 * Tells nobody who there is (RFC 5321 §3.5.3, §7.3).
 */
import { reply } from '@postrider/smtp';
import { anyTime, defineVerb } from './verb.js';

export const vrfy = defineVerb({
  name: 'VRFY',
  syntax: 'VRFY user',
  allowedIn: anyTime,
  replies: [250, 251, 252, 550, 551, 553, 502, 504],
  lastInGroup: true,
  act: (argument) => ({
    reply:
      argument === ''
        ? reply(501, '5.5.4', 'Use VRFY user')
        : reply(252, '2.1.5', 'Users are not verified here; send mail, and delivery will be tried'),
  }),
});
