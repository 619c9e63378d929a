/**
 * The verbs and the states between which they lead (RFC 5321 §4.1.4). 503 where nothing is written.
 *
 *                greeting    ready     mail                 rcpt
 *   EHLO, HELO,
 *   LHLO         → ready     → ready   → ready              → ready
 *   STARTTLS                 → greeting, in TLS
 *   AUTH                     ready, with an identity
 *   MAIL                     → mail
 *   RCPT                               → rcpt if accepted   rcpt
 *   DATA                               554                  354, then end-of-data
 *   BDAT                               554                  rcpt; LAST, then end-of-data
 *   end-of-data                                             → ready
 *   RSET         greeting    ready     → ready              → ready
 *   NOOP, HELP, VRFY, EXPN, TURN, SEND, SOML, SAML          stay as it is, in each state
 *   ETRN                     ready
 *   XCLIENT      greeting    → greeting, as another client
 *   XFORWARD                 ready
 *   QUIT         → closed    → closed  → closed             → closed
 */
import { auth } from './auth.js';
import { bdat } from './bdat.js';
import { data } from './data.js';
import { ehlo, helo } from './ehlo.js';
import { etrn } from './etrn.js';
import { help } from './help.js';
import { lhlo } from './lhlo.js';
import { mail } from './mail.js';
import { noop } from './noop.js';
import { quit } from './quit.js';
import { rcpt } from './rcpt.js';
import { notInLmtp, refusedVerbs } from './refused.js';
import { rset } from './rset.js';
import { starttls } from './starttls.js';
import type { Verb, VerbTable } from './verb.js';
import { expn, vrfy } from './vrfy.js';

import { xclient, xforward } from './xclient.js';

export { endOfData } from './end-of-data.js';

const afterGreeting = [
  starttls,
  auth,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  help,
  etrn,
  xclient,
  xforward,
  ...refusedVerbs,
];
const tableOf = (...verbs: readonly Verb[]): VerbTable => new Map(verbs.map((verb) => [verb.name, verb]));

export const smtpVerbs = tableOf(ehlo, helo, ...afterGreeting);
/** RFC 2033 §4.1: LHLO in the place of EHLO and HELO, which are refused. */
export const lmtpVerbs = tableOf(lhlo, ...notInLmtp, ...afterGreeting);
