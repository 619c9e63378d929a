/**
 * Every time constant that two processes must agree on, with the inequalities among them in times.spec.ts.
 * Durations in milliseconds.
 */
export const times = {
  /** One request over NATS that touches no disk. */
  ask: 2_000,
  /** A publish into JetStream is unknown after this. */
  publishUnknown: 5_000,
  /** A segment is retried with the same id for this long, then its mails get 451. Elections take 4-10 s. */
  segmentGivenUp: 30_000,
  /** The same on a single server, where there is no election: the client hears 451 within 10 s. */
  segmentGivenUpAlone: 5_000,
  /** A shard that has not acknowledged for this long takes no new segments while another does. */
  shardSetAside: 1_000,

  leaseTtl: 9_000,
  leaseRenewed: 1_500,
  /** Dispatch stops this long after the last successful renewal was sent. */
  leaseTrusted: 7_000,
  /** Other owners are asked so often whether they are there, and leases of silent ones are looked at. */
  ownersProbed: 500,
  /** Dispatch stops while outcomes are unwritten for longer. */
  outcomesUnwritten: 1_000,
  /** The tail is read at least this often; normally a hint wakes it. */
  tailPoll: 250,

  grant: 5_000,
  /** `open` by queue group, repeated by the asker. */
  open: 500,
  jobConfirmed: 1_000,
  resultRepeated: 1_000,
  /** A worker tells a new owner what it holds. */
  holds: 1_000,
  beat: 2_000,
  /** An owner that has noted a beat answers; it does so for this long after its last renewal. */
  beatAnswered: 1_000,
  beatNoted: 3_000,
  /** After one that was not answered. */
  beatRepeated: 500,
  /** A worker none of whose beats were answered for so long closes its connections as they become idle. */
  workerUnheard: 4_000,
  /** Three missed beats. */
  workerLost: 6_500,
  gauge: 1_000,
  /** An idle channel is closed after this, below the 5 minutes that servers must wait (RFC 5321 §4.5.3.2.7). */
  channelIdle: 5_000,
} as const;
