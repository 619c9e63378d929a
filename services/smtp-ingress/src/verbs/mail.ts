/**
 * mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
 * Begins a transaction (RFC 5321 §4.1.1.2). Without room for its mail it is refused here, before anything is sent.
 */
import { parseMailArguments, reply } from '@postrider/smtp';
import { mailParameters } from '../extensions.js';
import { noRoom, spoolAway, syntaxError } from '../session/replies.js';
import { defineVerb } from './verb.js';

const senderOk = reply(250, '2.1.0', 'Sender ok');

export const mail = defineVerb({
  name: 'MAIL',
  syntax: 'MAIL FROM:<reverse-path> [SIZE=octets] [BODY=7BIT|8BITMIME]',
  allowedIn: ['ready'],
  replies: [250, 552, 451, 452, 550, 553, 503, 455, 555],
  lastInGroup: false,
  act(argument, { client }, { ingress, limits }) {
    const parsed = parseMailArguments(argument);
    if (!parsed.ok) return { reply: syntaxError(parsed, '5.1.7') };
    const parameters = mailParameters(parsed.value.parameters, client, limits);
    const { reversePath } = parsed.value;
    if ('refused' in parameters) return { reply: parameters.refused, about: reversePath };
    const room = ingress.writer.room();
    if (room !== 'ok') return { reply: room === 'full' ? noRoom : spoolAway, about: reversePath };
    const transaction = { ...parameters, reversePath };
    return { reply: senderOk, state: { name: 'mail', client, transaction } };
  },
});
