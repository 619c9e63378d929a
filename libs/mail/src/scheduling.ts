/** When a mail is to go, by its sender: not before (RFC 4865), not after (RFC 2852), before others (RFC 6710). */

export interface Scheduling {
  /** Absent: at once. */
  readonly release?: Release;
  /** Absent: whenever it can be. */
  readonly deliverBy?: DeliverBy;
  /** -9 to 9, higher first; absent: 0. */
  readonly priority?: number;
}

export interface Release {
  /** Milliseconds since the epoch: no attempt before. */
  readonly at: number;
  /** As it was asked for, for DSNs: `for;3600` or `until;2026-01-01T00:00:00Z` (RFC 4865 §5.1.2). */
  readonly asked: string;
}

export interface DeliverBy {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** R: returned if it is not delivered by then; N: its sender is told (RFC 2852 §4). */
  readonly mode: 'R' | 'N';
  /** Its sender hears of each hop. */
  readonly trace: boolean;
}

/** @returns milliseconds since the epoch from when on a mail may be tried, and its age counts */
export const releasedAt = ({ acceptedAt, scheduling }: Scheduled): number =>
  Math.max(acceptedAt, scheduling?.release?.at ?? 0);

/** @param now milliseconds since the epoch; @returns whether the time is over that its sender set, and it goes back */
export const isTooLate = ({ scheduling }: Pick<Scheduled, 'scheduling'>, now: number): boolean =>
  scheduling?.deliverBy?.mode === 'R' && scheduling.deliverBy.at <= now;

export interface Scheduled {
  readonly acceptedAt: number;
  readonly scheduling?: Scheduling | undefined;
}
