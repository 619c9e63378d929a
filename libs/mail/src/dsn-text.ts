/** The first part of a DSN: what happened, in words, for somebody who has other things to do. */
import { dateTime } from './date-time.js';
import type { DsnOptions, DsnRecipient } from './dsn.js';
import { textLine, wrapped } from './printable.js';

/** @returns lines of at most 78 characters where words allow it */
export function dsnText({ cause, recipients, hostname, postmaster }: DsnOptions): readonly string[] {
  const failed = recipients.filter(({ action }) => action === 'failed');
  const delayed = recipients.filter(({ action }) => action === 'delayed');
  return [
    `This is the mail system at ${textLine(hostname)}.`,
    '',
    ...paragraph(`It is about the mail you sent on ${dateTime(cause.acceptedAt)}.`),
    ...(failed.length === 0
      ? []
      : [
          ...paragraph('It could not be delivered to the following, and will not be tried again:'),
          ...failed.flatMap(reason),
        ]),
    ...(delayed.length === 0
      ? []
      : [
          ...paragraph(
            'It has not been delivered yet to the following. You need not send it again: ' +
              `it is tried ${untilWhen(delayed)}, and you will hear of it if that fails.`,
          ),
          ...delayed.flatMap(reason),
        ]),
    ...paragraph(
      `If you need help, write to ${postmasterOf(postmaster, hostname)} and attach this notification. ` +
        `The mail's id here is ${cause.id}.`,
    ),
  ];
}

const paragraph = (text: string): readonly string[] => [...wrapped(text, ''), ''];

function reason({ finalRecipient, originalRecipient, diagnostic }: DsnRecipient): readonly string[] {
  const expanded = originalRecipient === undefined ? '' : ` (from ${textLine(originalRecipient)})`;
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
