/**
 * What a mail has only while something is done with it: made when it is needed and dropped when all of it is over, since
 * a mail that rests has none of it.
 */
import type { Scheduling } from '@postrider/mail';
import type { Ended, Part } from './queue-mail.js';

/** Shared by all that have none. */
export const noParts: readonly Part[] = [];

export class Work {
  content: Uint8Array | undefined;
  held: string | undefined;
  scheduling: Scheduling | undefined;
  /** Parts that wait or are in flight. */
  parts: readonly Part[] = noParts;
  /** Lookups and reads under way for it. */
  placing = 0;
  ended: Ended[] | undefined;
  /** Records about it that are not durable yet. */
  writing: Promise<void> | undefined;

  get over(): boolean {
    return (
      this.content === undefined &&
      this.held === undefined &&
      this.scheduling === undefined &&
      this.parts.length === 0 &&
      this.placing === 0 &&
      this.ended === undefined &&
      this.writing === undefined
    );
  }
}
