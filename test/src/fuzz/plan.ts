/**
 * What one client of the fuzz does, as a seed says: a way into some state, then commands, mail data and rubbish, in
 * groups or not, cut into packets anywhere; then it leaves. The same seed makes the same plan.
 */
import { seeded } from '../cluster/random.js';
import { forbiddenReversePath } from '../conformance/running-ingress-process.js';

export type Step =
  /** Octets, one a character; `cuts` are where packets end. */
  | { readonly do: 'send'; readonly octets: string; readonly cuts: readonly number[] }
  /** Sent only when 354 was said since the last step that sent something. */
  | { readonly do: 'content'; readonly octets: string; readonly cuts: readonly number[] }
  /** Until a reply comes, or for a while. */
  | { readonly do: 'await' }
  /** The handshake, when 220 was. */
  | { readonly do: 'handshake' }
  | { readonly do: 'leave'; readonly how: 'end' | 'reset' };

export interface Plan {
  /** By name, of the fuzz's configuration. */
  readonly listener: Listener;
  /** The last octets of an address in 127.0.0.0/8. */
  readonly address: string;
  readonly steps: readonly Step[];
}

export const listeners = ['mx', 'submission', 'submissions', 'lmtp'] as const;
export type Listener = (typeof listeners)[number];

/** A user and password that the server knows. */
export const user = { name: 'ann@ours.test', password: 'pass word' } as const;
const addresses = 240;
const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const plain = base64(`\0${user.name}\0${user.password}`);

class Planner {
  readonly #random: () => number;
  readonly steps: Step[] = [];

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new Error('there is nothing to pick from');
    return picked;
  }

  send(octets: string, kind: 'send' | 'content' = 'send'): void {
    this.steps.push({ do: kind, octets, cuts: this.#cuts(octets.length) });
  }

  /** One command, and its reply. */
  ask(line: string): void {
    this.send(`${line}\r\n`);
    this.steps.push({ do: 'await' });
  }

  #cuts(length: number): readonly number[] {
    if (this.chance(0.5) || length < 2) return [];
    if (length < 60 && this.chance(0.2)) return Array.from({ length: length - 1 }, (_, n) => n + 1);
    const cuts = Array.from({ length: 1 + this.below(4) }, () => 1 + this.below(length - 1));
    return [...new Set(cuts)].sort((a, b) => a - b);
  }

  octets(most: number): string {
    const of = this.pick([256, 128, 4]);
    const all = '\r\n.\0';
    return Array.from({ length: this.below(most) }, () =>
      of === 4 ? all[this.below(4)] : String.fromCharCode(this.below(of)),
    ).join('');
  }

  /** Some octets changed, left out, or put in. */
  mutated(text: string): string {
    let result = text;
    for (let times = 1 + this.below(3); times > 0; times--) {
      const at = this.below(result.length + 1);
      const rest = result.slice(at + (this.chance(0.6) ? 1 : 0));
      result = result.slice(0, at) + (this.chance(0.7) ? this.octets(4) : '') + rest;
    }
    return result;
  }
}

/** @param seed any whole number */
export function planOf(seed: number): Plan {
  const planner = new Planner(seed);
  const listener = planner.pick(listeners);
  enter(planner, listener);
  for (let acts = planner.below(8); acts > 0; acts--) act(planner, listener);
  planner.steps.push({ do: 'leave', how: planner.chance(0.8) ? 'end' : 'reset' });
  return { listener, address: `127.0.0.${2 + planner.below(addresses)}`, steps: planner.steps };
}

const greetingOf = (listener: Listener): string => (listener === 'lmtp' ? 'LHLO' : 'EHLO');
const recipients = ['b@localhost', 'far@away.test', 'b@ours.test', '"a b"@localhost', 'postmaster'];

/** Into one of the session's states, by what a good client says. */
function enter(planner: Planner, listener: Listener): void {
  const depth = planner.below(7);
  if (depth === 0) return;
  if (planner.chance(0.9)) planner.steps.push({ do: 'await' });
  planner.ask(`${planner.chance(0.9) ? greetingOf(listener) : 'HELO'} client.example`);
  if (listener === 'submission' || (listener === 'mx' && planner.chance(0.3))) tls(planner, listener);
  if (listener.startsWith('submission') || (listener === 'mx' && planner.chance(0.1)))
    planner.ask(`AUTH PLAIN ${plain}`);
  if (depth === 1) return;
  planner.ask(mail(planner));
  for (let n = depth - 2; n > 0; n--) planner.ask(`RCPT TO:<${planner.pick(recipients)}>`);
  if (depth === 5) planner.ask('DATA');
  if (depth === 6) chunk(planner, false);
}

function tls(planner: Planner, listener: Listener): void {
  planner.ask('STARTTLS');
  planner.steps.push({ do: 'handshake' });
  planner.ask(`${greetingOf(listener)} client.example`);
}

const mailParameters = [
  'SIZE=100',
  'SIZE=99999999',
  'BODY=8BITMIME',
  'BODY=BINARYMIME',
  'SMTPUTF8',
  'RET=HDRS ENVID=x',
  'BY=60;R',
  'BY=-1;NT',
  'HOLDFOR=60',
  'MT-PRIORITY=3',
  'REQUIRETLS',
  'AUTH=<>',
];

const mail = (planner: Planner): string =>
  `MAIL FROM:<${planner.pick([user.name, user.name, user.name, '', 'a@b.test'])}>` +
  (planner.chance(0.2) ? ` ${planner.pick(mailParameters)}` : '');

function act(planner: Planner, listener: Listener): void {
  const acts = [commands, commands, transaction, transaction, content, chunks, rubbish, auth, mutation, tls];
  planner.pick(acts)(planner, listener);
}

const anyCommand = (planner: Planner, listener: Listener): string =>
  planner.pick([
    `${greetingOf(listener)} client.example`,
    'HELO [127.0.0.1]',
    'MAIL FROM:<>',
    mail(planner),
    `RCPT TO:<${planner.pick(recipients)}> NOTIFY=FAILURE ORCPT=rfc822;x`,
    'RSET',
    'NOOP',
    'HELP',
    'VRFY b',
    'EXPN b',
    'ETRN example.org',
    'STARTTLS',
    'XCLIENT ADDR=192.0.2.1',
    'XFORWARD ADDR=192.0.2.1',
    'DATA',
    'TURN',
    planner.chance(0.2) ? 'QUIT' : 'NOOP x',
    `BDAT ${planner.below(20)}`,
    `NOOP ${'x'.repeat(planner.below(5000))}`,
  ]);

/** What may stand within a group (RFC 2920 §3.1). */
const groupedCommand = (planner: Planner): string =>
  planner.pick([
    'RSET',
    'HELP MAIL',
    mail(planner),
    `RCPT TO:<${planner.pick(recipients)}>`,
    'XFORWARD HELO=x.test',
    'X',
  ]);

/** Some, in a group or one by one; what ends a group stands within one now and then, which ends the session. */
function commands(planner: Planner, listener: Listener): void {
  const inGroup = planner.chance(0.5);
  const one = (): string =>
    inGroup && planner.chance(0.95) ? groupedCommand(planner) : anyCommand(planner, listener);
  const lines = Array.from({ length: 1 + planner.below(6) }, one);
  if (inGroup) planner.send(`${lines.join('\r\n')}\r\n`);
  else for (const line of lines) planner.ask(line);
}

function transaction(planner: Planner): void {
  const group = [mail(planner), `RCPT TO:<${planner.pick(recipients)}>`, 'DATA'];
  if (planner.chance(0.5)) {
    planner.send(`${group.join('\r\n')}\r\n`);
    for (let n = 0; n < 3; n++) planner.steps.push({ do: 'await' });
  } else for (const line of group) planner.ask(line);
  content(planner);
}

const smuggled = `MAIL FROM:<${forbiddenReversePath}>\r\nRCPT TO:<b@localhost>\r\nDATA\r\nx\r\n`;
/** What others take for an end of mail data; never CRLF.CRLF. */
const falseEnds = ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\r.\r\n', '\r\n.\r', '\r\n\0.\r\n', '\r\n..\r\n'];

/** Behind a false end stand commands, which must not be taken for any. */
function content(planner: Planner): void {
  const kinds = [
    'Subject: x\r\n\r\ntext',
    '',
    '..stuffed\r\n..',
    `x${planner.pick(falseEnds)}${smuggled}`,
    `x${planner.pick(falseEnds)}${smuggled}`,
    `${'Received: x\r\n'.repeat(planner.below(120))}\r\nx`,
    `${'x'.repeat(998)}\r\n`.repeat(planner.below(planner.chance(0.1) ? 400 : 20)),
    `\xff\xfe: \xe4\r\n\r\n${'\x80'.repeat(planner.below(100))}`,
  ];
  planner.send(`${planner.pick(kinds)}\r\n.\r\n`, 'content');
  planner.steps.push({ do: 'await' });
}

function chunk(planner: Planner, last: boolean): void {
  const octets = planner.chance(0.5) ? 'text\r\n.\r\nQUIT\r\n' : planner.octets(400);
  const wrong = planner.chance(0.1) ? planner.below(30) : 0;
  planner.send(`BDAT ${octets.length + wrong}${last ? ' LAST' : ''}\r\n${octets}`);
  planner.steps.push({ do: 'await' });
  // What is missing, so that nothing that follows is taken for it.
  if (wrong > 0 && planner.chance(0.7)) planner.send('y'.repeat(wrong));
}

function chunks(planner: Planner): void {
  for (let n = planner.below(3); n > 0; n--) chunk(planner, false);
  chunk(planner, planner.chance(0.8));
}

function rubbish(planner: Planner): void {
  planner.send(planner.octets(planner.chance(0.05) ? 70_000 : 300));
  if (planner.chance(0.5)) planner.ask('');
}

function mutation(planner: Planner, listener: Listener): void {
  const line = planner.mutated(`${anyCommand(planner, listener)}\r\n`);
  planner.send(line);
  planner.steps.push({ do: 'await' });
}

function auth(planner: Planner): void {
  // Wrong passwords are answered late, so that there are few of them.
  const wrong = planner.chance(0.1) ? [base64(`\0nobody${planner.below(8)}\0x`)] : [];
  const responses = [
    plain,
    '*',
    '=',
    'no base64',
    base64('n,,n=a,r=b'),
    base64(planner.octets(50)),
    ...wrong,
  ];
  const mechanism = planner.pick(['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'XOAUTH2', 'X']);
  planner.ask(`AUTH ${mechanism}${planner.chance(0.4) ? ` ${planner.pick(responses)}` : ''}`);
  for (let n = planner.below(3); n > 0; n--) planner.ask(planner.pick(responses));
}
