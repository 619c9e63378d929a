/** Which services share a process, and in which order all ends. One place, tuned by measurement. */
export const groups: readonly (readonly string[])[] = [
  ['smtp-ingress'],
  // Jobs and reports between them need no NATS then: a quarter less CPU a mail, a third with mails of 100 kB.
  ['queue-manager', 'outbound-delivery'],
  // These answer now and then: a process each would only cost its memory.
  ['dns-resolver', 'alias-expander', 'admin'],
];

/** A process each, to see or to kill one of them alone. */
export const separate = groups.flat().map((service) => [service]);

export interface Ending {
  readonly services: readonly string[];
  /** By when it is over, as a share of shutdown_timeout; what has not ended then is ended. */
  readonly until: number;
}

/** Ingress first; what it has accepted is written by those behind it; then the ones that are asked; NATS last. */
export const endings: readonly Ending[] = [
  { services: ['smtp-ingress'], until: 0.5 },
  { services: ['queue-manager', 'outbound-delivery'], until: 0.85 },
  { services: ['dns-resolver', 'alias-expander', 'admin'], until: 0.9 },
];
