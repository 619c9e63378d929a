/**
 * noop = "NOOP" [ SP String ] CRLF
 * The string is ignored (RFC 5321 §4.1.1.9).
 */
import { reply } from '@postrider/smtp';
import { anyTime, defineVerb } from './verb.js';

const ok = reply(250, '2.0.0', 'Ok');

export const noop = defineVerb({
  name: 'NOOP',
  syntax: 'NOOP [text]',
  allowedIn: anyTime,
  replies: [250],
  lastInGroup: true,
  act: () => ({ reply: ok }),
});
