/**
 * The history of a run against what must hold: what each client was told (250 or not), what the sinks got, what the
 * events tell. Pure; each broken rule is a line of text.
 */
import type { LoadResult } from '@postrider/testing';
import type { Story } from './event-book.js';

export interface History {
  readonly loads: readonly Pick<LoadResult, 'accepted' | 'refused' | 'unknown'>[];
  /** How often each marker came, a DSN counted under the mail it is about. */
  readonly received: ReadonlyMap<string, number>;
  /** By mail id. */
  readonly stories: ReadonlyMap<string, Story>;
}

export interface Verdict {
  /** What must not be. */
  readonly broken: readonly string[];
  /** Mails with a 250 whose end no event told: events are no part of the guarantee, but they are counted. */
  readonly untold: number;
}

/** RFC 5321 §4.2.5: after 250 the mail is ours. */
export function judge({ loads, received, stories }: History): Verdict {
  const broken: string[] = [];
  const known = new Set<string>();
  const ids = new Map<string, string>();
  let untold = 0;
  for (const { accepted, refused, unknown } of loads) {
    for (const [marker, { reply }] of accepted) {
      known.add(marker);
      const id = /queued as (\S+)/.exec(reply)?.[1] ?? '';
      const other = ids.get(id);
      if (other !== undefined) broken.push(`${marker} and ${other} were both queued as ${id}`);
      ids.set(id, marker);
      const copies = received.get(marker) ?? 0;
      if (copies === 0) broken.push(`${marker} (${id}) got 250 and never came`);
      const story = stories.get(id);
      if (story === undefined || !isTold(story)) untold++;
      else if (copies === 0) broken.push(`${marker} (${id}) is final by its events and never came`);
    }
    for (const marker of unknown) known.add(marker);
    for (const [marker, { code, text }] of refused)
      broken.push(`${marker} was refused for good with ${code} ${text}`);
  }
  for (const marker of received.keys())
    if (!known.has(marker)) broken.push(`${marker} came, though no client was told 250`);
  for (const [id, { final }] of stories)
    for (const [to, ends] of final)
      if (ends.size > 1) broken.push(`${id} to ${to} ended more than one way: ${[...ends].join(', ')}`);
  return { broken, untold };
}

/** An alias's members are told of by other names: as many ends as recipients will do. */
const isTold = ({ accepted, final }: Story): boolean => final.size > 0 && final.size >= accepted.length;
