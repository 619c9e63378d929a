import { readFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import type { Bus } from '@postrider/bus';
import type { MailId } from '@postrider/mail';
import { smtpIngress, type EventRecord } from '@postrider/protocol';
import { isMailbox, replyText } from '@postrider/smtp';
import { CommandFailed, complain, exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { withBus } from '../connection.js';
import { eventLine } from '../event-lines.js';
import { parseFlags } from '../flags.js';
import { testMessage, withHeader } from '../sendmail/message.js';

/** Events after which nothing more comes for a recipient. */
const failures = new Set(['failed', 'expired', 'deleted']);
const finals = new Set(['delivered', 'relayed', ...failures]);
const followedFor = 3_600_000;

const flags = {
  to: { type: 'string', multiple: true },
  from: { type: 'string' },
  subject: { type: 'string' },
  follow: { type: 'boolean', short: 'f' },
} as const;

export const send: Command = {
  name: 'send',
  synopsis: ['send --to A… [--from A] [--subject TEXT] [--follow] [FILE|-]'],
  summary:
    'a mail from a file, standard input (-) or made up for a test; --follow shows what becomes of it;\n1 when a recipient is refused, or with --follow gets no mail',
  async run(words) {
    const { values, positionals } = parseFlags(words, flags, 1);
    const recipients = values.to ?? [];
    if (recipients.length === 0) throw new UsageError('--to names the recipient');
    const from = values.from ?? `${userInfo().username}@localhost`;
    const wrong = [...recipients, ...(from === '' ? [] : [from])].find((address) => !isMailbox(address));
    if (wrong !== undefined) throw new UsageError(`'${wrong}' is no address, as in you@example.org`);
    const message = await messageOf(positionals[0], {
      from,
      to: recipients,
      subject: values.subject ?? 'Test by postrider send',
    });
    const mail = { reversePath: from, forwardPaths: recipients, content: message, user: userInfo().username };
    return withBus(values.config, async (bus) => {
      // Before it is sent, so that no event is missed.
      const watched = bus.watch('mta.events.>');
      const answer = await bus.ref(smtpIngress).ask('submit', mail);
      if (answer.result === 'rejected') {
        watched.stop();
        complain(replyText(answer.reply));
        return exitCodes.failed;
      }
      const json = values.json === true;
      if (!json) say(answer.id);
      for (const { forwardPath, reply } of answer.rejected) complain(`${forwardPath}: ${replyText(reply)}`);
      const events: EventRecord[] = [];
      let failed = answer.rejected.length > 0;
      const told = (record: EventRecord): void => {
        failed ||= failures.has(record.event);
        if (json) events.push(record);
        else say(eventLine(record, Date.now()));
      };
      const open = recipients.length - answer.rejected.length;
      if (values.follow === true) await follow(watched, { id: answer.id, open, told });
      watched.stop();
      if (json) sayJson(values.follow === true ? { ...answer, events } : answer);
      return failed ? exitCodes.failed : exitCodes.done;
    });
  },
};

async function messageOf(
  file: string | undefined,
  header: { readonly from: string; readonly to: readonly string[]; readonly subject: string },
): Promise<Uint8Array> {
  const options = { ...header, hostname: hostname(), at: Date.now() };
  if (file === undefined) return testMessage(options);
  try {
    return withHeader(await readFile(file === '-' ? '/dev/stdin' : file), options);
  } catch (error) {
    throw new CommandFailed(`can't read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Followed {
  readonly id: MailId;
  /** Recipients whose end is waited for. */
  readonly open: number;
  readonly told: (record: EventRecord) => void;
}

async function follow(
  watched: ReturnType<Bus['watch']>,
  { id, open: recipients, told }: Followed,
): Promise<void> {
  const timer = setTimeout(() => watched.stop(), followedFor);
  const stop = (): void => watched.stop();
  process.once('SIGINT', stop);
  let open = recipients;
  for await (const { value } of watched) {
    const record = value as EventRecord;
    if (record.mail !== id) continue;
    told(record);
    if (finals.has(record.event))
      open -= Array.isArray(record['recipients']) ? record['recipients'].length : open;
    if (open <= 0) break;
  }
  clearTimeout(timer);
  process.off('SIGINT', stop);
}
