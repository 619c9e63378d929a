/**
 * rset = "RSET" CRLF
 * Drops the transaction (RFC 5321 §4.1.1.5).
 */
import { reply } from '@postrider/smtp';
import { noArgument } from '../session/replies.js';
import { anyTime, defineVerb } from './verb.js';

const flushed = reply(250, '2.0.0', 'Ok');

export const rset = defineVerb({
  name: 'RSET',
  syntax: 'RSET',
  allowedIn: anyTime,
  replies: [250],
  lastInGroup: false,
  act(argument, state) {
    if (argument !== '') return { reply: noArgument('RSET') };
    if (state.name === 'greeting') return { reply: flushed };
    return { reply: flushed, state: { name: 'ready', client: state.client } };
  },
});
