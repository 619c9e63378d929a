/** What a sink has received: how often each marker came, and the mails themselves where they are kept. */

/** One mail as the sink took it. */
export interface ReceivedMail {
  readonly marker: string;
  readonly helo: string;
  readonly reversePath: string;
  /** What stood behind the paths: `SIZE=1234 BODY=8BITMIME`. */
  readonly mailParameters: string;
  /** Those that got 250. */
  readonly recipients: readonly string[];
  readonly tls: boolean;
  /** Number of its connection, from 1, and of the mail on it, from 1. */
  readonly connection: number;
  readonly ofConnection: number;
  /** On the wire, from after 354 to the final dot. */
  readonly octets: number;
  /** Without dot-stuffing, one character an octet. */
  readonly content: string;
}

/** As JSON from a sink that is a process of its own. */
export interface SinkReport {
  readonly mails: number;
  readonly recipients: number;
  readonly connections: number;
  /** Markers that came, with how often. */
  readonly received: Readonly<Record<string, number>>;
  /** Markers that came more than once. */
  readonly duplicates: Readonly<Record<string, number>>;
  /** What clients did against RFC 5321, the first of each kind with its words. */
  readonly violations: readonly string[];
}

const violationsKept = 100;

export class Tally {
  mails = 0;
  recipients = 0;
  connections = 0;
  /** A mail without a marker counts under ''. */
  readonly received = new Map<string, number>();
  readonly kept: ReceivedMail[] = [];
  readonly violations: string[] = [];

  count(marker: string, recipients: number): void {
    this.mails++;
    this.recipients += recipients;
    this.received.set(marker, (this.received.get(marker) ?? 0) + 1);
  }

  violation(text: string): void {
    if (this.violations.length < violationsKept) this.violations.push(text);
  }

  duplicates(): Map<string, number> {
    return new Map([...this.received].filter(([marker, times]) => marker !== '' && times > 1));
  }

  report(): SinkReport {
    return {
      mails: this.mails,
      recipients: this.recipients,
      connections: this.connections,
      received: Object.fromEntries(this.received),
      duplicates: Object.fromEntries(this.duplicates()),
      violations: this.violations,
    };
  }
}
