/**
 * What a client does wrong until it brings a mail: lines that are no command, commands that are wrong or out of order,
 * recipients whom we refuse for good. Each has a limit of its own (RFC 5321 §7.8).
 */
import { reply, type Reply } from '@postrider/smtp';
import type { Settings } from '../settings.js';

/** The key of its limit. */
export type Mistake = 'unknown_commands' | 'bad_commands' | 'refused_recipients';

/** What came is no command that has a name. */
export const noVerb = '';

/** The client does not speak as it should (RFC 5321 §4.2.4, §4.1.1.11). */
const badCommandCodes: ReadonlySet<number> = new Set([500, 501, 502, 503, 504, 535, 555]);

const words: Readonly<Record<Mistake, string>> = {
  unknown_commands: 'Too many unknown commands',
  bad_commands: 'Too many bad commands',
  refused_recipients: 'Too many recipients were refused',
};

/** @param verb of the command, or `noVerb` */
export function mistakeIn(verb: string, { code }: Reply): Mistake | undefined {
  if (verb === noVerb) return 'unknown_commands';
  if (badCommandCodes.has(code)) return 'bad_commands';
  return verb === 'RCPT' && code >= 500 ? 'refused_recipients' : undefined;
}

export class Mistakes {
  readonly #counts = { unknown_commands: 0, bad_commands: 0, refused_recipients: 0 };

  /** Counts one. @returns whether it is one too many */
  count(mistake: Mistake, limits: Pick<Settings['limits'], Mistake>): boolean {
    return ++this.#counts[mistake] > limits[mistake];
  }

  /** A mail was accepted: whoever brings one means it well. */
  forgive(): void {
    this.#counts.unknown_commands = this.#counts.bad_commands = this.#counts.refused_recipients = 0;
  }
}

/** What a client hears in the place of the reply to what was one too many; the session is over then. */
export const tooMany = (mistake: Mistake, hostname: string): Reply =>
  reply(421, '4.7.0', `${hostname} ${words[mistake]}, closing transmission channel`);
