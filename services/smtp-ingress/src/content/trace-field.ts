/** Trace information of a mail that we take (RFC 5321 §4.4). */
import { dateTime } from '@postrider/mail';

/** What the Received field says that we put on top, folded. */
export interface Trace {
  /** As given by EHLO or HELO, a Domain or an address literal. */
  readonly helo: string;
  /** Of the client; absent for mail that did not come by SMTP. */
  readonly address?: string;
  /** Who has authenticated; only where mail is submitted. */
  readonly identity?: string;
  readonly hostname: string;
  /** Registered `with` keyword (RFC 3848). */
  readonly protocol: string;
  readonly id: string;
  /** The only recipient; with several none is named, since they must not learn of each other (RFC 5321 §7.2). */
  readonly forwardPath?: string;
  /** Clause of RFC 6710 §7; not said when it is 0. */
  readonly priority?: number;
  /** Registered name of the cipher suite, of a session in TLS (RFC 8314 §4.3). */
  readonly tlsCipher?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export function traceField(trace: Trace): string {
  const from = trace.address === undefined ? trace.helo : `${trace.helo} (${addressLiteral(trace.address)})`;
  const recipient = trace.forwardPath === undefined ? '' : `\r\n\tfor <${trace.forwardPath}>`;
  const identity = isCtext(trace.identity) ? `\r\n\t(authenticated as ${trace.identity})` : '';
  const tls = trace.tlsCipher === undefined ? '' : `\r\n\ttls ${trace.tlsCipher}`;
  const priority = trace.priority === undefined ? '' : `\r\n\tPRIORITY ${trace.priority}`;
  return (
    `Received: from ${from}${identity}\r\n` +
    `\tby ${trace.hostname} with ${trace.protocol} id ${trace.id}${recipient}${tls}${priority};\r\n` +
    `\t${localDateTime(trace.at)}\r\n`
  );
}

/** Without what would end a comment (RFC 5322 §3.2.2). */
const isCtext = (text: string | undefined): text is string =>
  text !== undefined && /^[\x21-\x27\x2a-\x5b\x5d-\x7e]+$/.test(text);

export const addressLiteral = (address: string): string =>
  address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;

/** In local time with its offset (RFC 5321 §4.4); made once a second. */
export const localDateTime = oncePerSecond((seconds) => {
  const at = seconds * 1000;
  return dateTime(at, -new Date(at).getTimezoneOffset());
});

function oncePerSecond(make: (seconds: number) => string): (at: number) => string {
  let madeFor = NaN;
  let made = '';
  return (at) => {
    const seconds = Math.floor(at / 1000);
    if (seconds !== madeFor) [madeFor, made] = [seconds, make(seconds)];
    return made;
  };
}
