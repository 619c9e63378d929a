/** Replies that belong to no single verb. */
import { reply, type Parsed, type EnhancedStatus, type LineProblem, type Reply } from '@postrider/smtp';
import type { OneTooMany } from '../policy/counted-client.js';
import type { SessionFacts } from '../verbs/verb.js';
import type { StateName } from './session-state.js';

const lineProblems: Readonly<Record<LineProblem, Reply>> = {
  // RFC 5321 §4.5.3.1.9
  'too-long': reply(500, '5.5.2', 'Line too long'),
  // RFC 5321 §2.3.8
  'bare-cr': reply(500, '5.5.2', 'CR without LF; lines end with CRLF'),
  'bare-lf': reply(500, '5.5.2', 'LF without CR; lines end with CRLF'),
  nul: reply(500, '5.5.2', 'NUL is not allowed'),
};
export const lineRefused = (problem: LineProblem): Reply => lineProblems[problem];

export const notRecognized = reply(500, '5.5.2', 'Command not recognized');

/** RFC 5321 §4.1.4: out of order, and the session stays as it was. */
const outOfOrder: Readonly<Record<StateName, Reply>> = {
  greeting: reply(503, '5.5.1', 'Send EHLO or HELO first'),
  ready: reply(503, '5.5.1', 'Send MAIL first'),
  mail: reply(503, '5.5.1', 'A mail transaction is open already'),
  rcpt: reply(503, '5.5.1', 'A mail transaction is open already'),
  closed: reply(503, '5.5.1', 'The session is closed'),
};
export const notNow = (state: StateName): Reply => outOfOrder[state];

/** @param path status of a bad address there */
export function syntaxError(failure: Parsed<unknown> & { readonly ok: false }, path: EnhancedStatus): Reply {
  return reply(501, failure.part === 'path' ? path : '5.5.4', failure.problem);
}

/** RFC 5321 §4.3.2: DATA, RSET and QUIT take none. */
export const noArgument = (verb: string): Reply => reply(501, '5.5.4', `${verb} takes no argument`);

/** RFC 5321 §3.1, §4.3.1: the client waits for the greeting. */
export const beforeGreeting = (hostname: string): Reply =>
  reply(554, '5.5.0', `${hostname} You spoke before the greeting`);
export const tooManyOf = ({ tooManyOf: whose }: OneTooMany, hostname: string): Reply =>
  reply(
    421,
    '4.7.0',
    `${hostname} Too many connections from your ${whose === 'client' ? 'address' : 'network'}, try again later`,
  );
/** RFC 6409 §4.2 @param status of the sender's or the recipient's system address */
export const notFullyQualified = (domain: string, status: '5.1.8' | '5.1.2'): Reply =>
  reply(554, status, `Domain ${domain} is not fully qualified`);
/** 450 is for RCPT and the data (RFC 5321 §4.3.2). */
export const tooManyMails = reply(451, '4.7.1', 'Too many mails from your address, try again later');
/** RFC 5321 §4.5.3.1.10 */
export const tooManyRecipientsOfClient = reply(
  452,
  '4.5.3',
  'Too many recipients from your address, try again later',
);

/** RFC 2920 §3.1: what such a command's reply decides can't be known yet when the rest is sent. */
export const sentAhead = (verb: string): Reply =>
  reply(554, '5.5.0', `Commands were sent before the reply to ${verb}`);

export const banner = ({ ingress, role }: SessionFacts): string =>
  `${ingress.settings.hostname} ${role.speaks} ${ingress.settings.privacy.banner}`.trimEnd();

export const noRoom = reply(452, '4.3.1', 'Not enough room for mail now, try again later');
export const spoolAway = reply(451, '4.3.0', 'Mail can not be stored now, try again later');

/** 421 and 221 name the host (RFC 5321 §4.2.2). */
export const shuttingDown = (hostname: string): Reply =>
  reply(421, '4.3.2', `${hostname} Service shutting down, closing transmission channel`);
export const tooManyConnections = (hostname: string): Reply =>
  reply(421, '4.3.2', `${hostname} Too many connections now, try again later`);
export const tooLongSession = (hostname: string): Reply =>
  reply(421, '4.4.2', `${hostname} This session has lasted long enough, please connect again`);
export const timeout = (hostname: string): Reply =>
  reply(421, '4.4.2', `${hostname} Timeout, closing transmission channel`);
/** Ours, not the client's: it may send again (RFC 5321 §4.2.1). */
export const fault = (hostname: string): Reply =>
  reply(421, '4.3.0', `${hostname} Local error, closing transmission channel`);
