/**
 * starttls = "STARTTLS" CRLF
 * After 220 the TLS handshake begins; then the session begins anew, and nothing the client said before counts
 * (RFC 3207 §4.2).
 */
import { reply } from '@postrider/smtp';
import { noArgument } from '../session/replies.js';
import { defineVerb } from './verb.js';

const ready = reply(220, '2.0.0', 'Ready to start TLS');
const notOffered = reply(502, '5.5.1', 'STARTTLS is not offered here');
const isActive = reply(503, '5.5.1', 'TLS is active already');
const ehloFirst = reply(503, '5.5.1', 'Send EHLO first');

export const starttls = defineVerb({
  name: 'STARTTLS',
  syntax: 'STARTTLS',
  allowedIn: ['ready'],
  replies: [220, 454, 501, 502, 503],
  lastInGroup: true,
  act(argument, { client }, { tls, offersTls }) {
    if (argument !== '') return { reply: noArgument('STARTTLS') };
    if (tls) return { reply: isActive };
    if (!offersTls) return { reply: notOffered };
    // RFC 5321 §2.2.1: extensions are for those who greeted with EHLO.
    if (client.protocol === 'SMTP') return { reply: ehloFirst };
    return { reply: ready, then: { do: 'start-tls' } };
  },
});
