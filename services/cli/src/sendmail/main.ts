/** `sendmail`, `mailq` and `newaliases` under their old names, with their old exit codes (sysexits.h). */
import { buffer } from 'node:stream/consumers';
import { hostname, userInfo } from 'node:os';
import { smtpIngress, type SubmitAnswer } from '@postrider/protocol';
import { ConfigError } from '@postrider/runtime';
import { replyText, type Reply } from '@postrider/smtp';
import { say } from '../command.js';
import { queue } from '../commands/queue.js';
import { withBus } from '../connection.js';
import { parseSendmailFlags, type SendmailCall } from './flags.js';
import { crlf, withHeader } from './message.js';
import { recipientsOf, withoutBcc } from './recipients.js';

const sysexits = { ok: 0, usage: 64, noUser: 67, unavailable: 69, temporary: 75, config: 78 } as const;
const names = ['sendmail', 'mailq', 'newaliases'];

export const isSendmailName = (program: string): boolean => names.includes(program);

export async function runAsSendmail(program: string, words: readonly string[]): Promise<number> {
  const call = parseSendmailFlags(words);
  try {
    if (program === 'newaliases' || call.mode === 'new-aliases') {
      say('alias files are read when they change: nothing to do');
      return sysexits.ok;
    }
    if (program === 'mailq' || call.mode === 'list-queue') {
      await queue.run(['list']);
      return sysexits.ok;
    }
    return call.mode === 'deliver'
      ? await deliver(call)
      : refuse('only -bm, -bp and -bi are known here', sysexits.usage);
  } catch (error) {
    if (error instanceof ConfigError) return refuse(error.message, sysexits.config);
    // Whoever called keeps the mail and tries again (EX_TEMPFAIL).
    return refuse(error instanceof Error ? error.message : String(error), sysexits.temporary);
  }
}

async function deliver(call: SendmailCall): Promise<number> {
  const user = userInfo().username;
  const message = untilDot(crlf(await buffer(process.stdin)), call.ignoreDots);
  const recipients = call.recipientsFromHeader ? recipientsOf(message) : [];
  const forwardPaths = [...new Set([...call.recipients, ...recipients])].map(withDomain);
  if (forwardPaths.length === 0) return refuse('no recipient: name one, or use -t', sysexits.usage);
  const reversePath =
    call.from === undefined ? withDomain(user) : call.from === '' ? '' : withDomain(call.from);
  const from = call.fullName === undefined ? reversePath : `${call.fullName} <${reversePath}>`;
  const options = { from, to: forwardPaths, subject: '', hostname: hostname(), at: Date.now() };
  const content = withHeader(call.recipientsFromHeader ? withoutBcc(message) : message, options);
  return withBus(undefined, async (bus) =>
    exitOf(await bus.ref(smtpIngress).ask('submit', { reversePath, forwardPaths, content, user })),
  );
}

function exitOf(answer: SubmitAnswer): number {
  if (answer.result === 'rejected') return refuse(replyText(answer.reply), codeOf(answer.reply));
  for (const { forwardPath, reply } of answer.rejected) refuse(`${forwardPath}: ${replyText(reply)}`, 0);
  const [first] = answer.rejected;
  return first ? codeOf(first.reply) : sysexits.ok;
}

function codeOf({ code, enhanced }: Reply): number {
  if (code < 500) return sysexits.temporary;
  return enhanced?.startsWith('5.1.') ? sysexits.noUser : sysexits.unavailable;
}

/** A line with a single dot ends the message, unless -i says otherwise. */
function untilDot(message: Buffer, ignoreDots: boolean): Buffer {
  if (ignoreDots) return message;
  if (message.indexOf('.\r\n') === 0) return Buffer.alloc(0);
  const end = message.indexOf('\r\n.\r\n');
  return end === -1 ? message : message.subarray(0, end + 2);
}

const withDomain = (address: string): string => (address.includes('@') ? address : `${address}@localhost`);

function refuse(text: string, code: number): number {
  process.stderr.write(`sendmail: ${text}\n`);
  return code;
}
