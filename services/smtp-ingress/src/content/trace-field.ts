/** The Received field that we put on top (RFC 5321 §4.4), folded. */
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
  return (
    `Received: from ${from}${identity}\r\n` +
    `\tby ${trace.hostname} with ${trace.protocol} id ${trace.id}${recipient}${tls};\r\n` +
    `\t${dateTime(trace.at)}\r\n`
  );
}

/** Without what would end a comment (RFC 5322 §3.2.2). */
const isCtext = (text: string | undefined): text is string =>
  text !== undefined && /^[\x21-\x27\x2a-\x5b\x5d-\x7e]+$/.test(text);

export const addressLiteral = (address: string): string =>
  address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** date-time of RFC 5322 §3.3 in local time with its offset (RFC 5321 §4.4); made once a second. */
export const dateTime = oncePerSecond((seconds) => {
  const date = new Date(seconds * 1000);
  const two = (number: number): string => String(number).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${days[date.getDay()] ?? ''}, ${date.getDate()} ${months[date.getMonth()] ?? ''} ${date.getFullYear()} ${time} ${zone}`;
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
