/** The first part of a DSN: what happened, in words, for somebody who has other things to do. */
import { dateTime } from './date-time.js';
import type { DsnAction, DsnOptions, DsnRecipient } from './dsn.js';
import { textLine, wrapped } from './printable.js';

/** @returns lines of at most 78 characters where words allow it */
export function dsnText({ cause, recipients, hostname, postmaster }: DsnOptions): readonly string[] {
  return [
    `This is the mail system at ${textLine(hostname)}.`,
    '',
    ...paragraph(`It is about the mail you sent on ${dateTime(cause.acceptedAt)}.`),
    ...actions.flatMap((action) => about(action, recipients)),
    ...paragraph(
      `If you need help, write to ${postmasterOf(postmaster, hostname)} and attach this notification. ` +
        `The mail's id here is ${cause.id}.`,
    ),
  ];
}

/** What is bad comes first. */
const actions = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const;

function about(action: DsnAction, recipients: readonly DsnRecipient[]): readonly string[] {
  const these = recipients.filter((recipient) => recipient.action === action);
  return these.length === 0 ? [] : [...paragraph(wordsFor[action](these)), ...these.flatMap(reason)];
}

const wordsFor: Readonly<Record<DsnAction, (these: readonly DsnRecipient[]) => string>> = {
  failed: () => 'It could not be delivered to the following, and will not be tried again:',
  delayed: (these) =>
    'It has not been delivered yet to the following. You need not send it again: ' +
    `it is tried ${untilWhen(these)}, and you will hear of it if that fails.`,
  delivered: () => 'It has been delivered to the following, as you wanted to know:',
  relayed: () =>
    'It has been passed on to the following by way of another mail system; ' +
    'of what becomes of it there you may hear no more:',
  expanded: () => 'The following stands for several others, to whom it has been sent on:',
};

const paragraph = (text: string): readonly string[] => [...wrapped(text, ''), ''];

function reason({ finalRecipient, alias, diagnostic }: DsnRecipient): readonly string[] {
  const expanded = alias === undefined ? '' : ` (from ${textLine(alias)})`;
  const said = diagnostic.remoteMta === undefined ? '' : `${textLine(diagnostic.remoteMta)} said: `;
  return [
    ...wrapped(`<${textLine(finalRecipient)}>${expanded}`, '  '),
    ...wrapped(`${said}${textLine(diagnostic.text)}`, '    '),
    '',
  ];
}

function untilWhen(delayed: readonly DsnRecipient[]): string {
  const times = delayed.flatMap(({ willRetryUntil }) => willRetryUntil ?? []);
  return times.length === 0 ? 'on' : `until ${dateTime(Math.max(...times))}`;
}

const postmasterOf = (postmaster: string, hostname: string): string =>
  textLine(postmaster === '' ? `postmaster@${hostname}` : postmaster);
