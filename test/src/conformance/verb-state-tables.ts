/**
 * The verb x state tables (RFC 5321 §4.1.4, §4.3.2; STYLE.md): for each command and each state the reply's code, and
 * the state after it. A row lacks no cell, by its type; which verbs have rows, the spec asks HELP.
 */
import type { RawClient } from './raw-client.js';

export const states = ['greeting', 'ready', 'mail', 'rcpt', 'chunks'] as const;
/** `chunks`: BDAT has begun. */
export type OpenState = (typeof states)[number];
export type State = OpenState | 'closed';

/** Commands that lead from the greeting into a state; the first greets, by HELO or LHLO where that is needed. */
export const into = (greeting: string): Readonly<Record<OpenState, readonly string[]>> => {
  const mail = [greeting, 'MAIL FROM:<a@example.org>'];
  const rcpt = [...mail, 'RCPT TO:<b@localhost>'];
  return { greeting: [], ready: [greeting], mail, rcpt, chunks: [...rcpt, 'BDAT 0'] };
};

const stays = 'stays';
export type Cell = readonly [code: number, after: State | typeof stays];
export type Row = Readonly<Record<OpenState, Cell>>;
export type Table = ReadonlyMap<string, Row>;

const row = (...[greeting, ready, mail, rcpt, chunks]: readonly [Cell, Cell, Cell, Cell, Cell]): Row => ({
  greeting,
  ready,
  mail,
  rcpt,
  chunks,
});
const everywhere = (...cell: Cell): Row => row(cell, cell, cell, cell, cell);
const same = (code: number): Row => everywhere(code, stays);
const notNow = [503, stays] as const;
const toReady = [250, 'ready'] as const;
const onlyReady = (...cell: Cell): Row => row(notNow, cell, notNow, notNow, notNow);
/** What may be said of recipients: with MAIL given, and before the data. */
const onlyMail = (mail: Cell, rcpt: Cell, chunks: Cell = notNow): Row =>
  row(notNow, notNow, mail, rcpt, chunks);
const afterMail = (...cell: Cell): Row => onlyMail(cell, cell, cell);

/** A listener for everybody, without TLS and AUTH. */
export const mxTable: Table = new Map(
  Object.entries({
    'EHLO client.example': everywhere(...toReady),
    'HELO client.example': everywhere(...toReady),
    'MAIL FROM:<a@example.org>': onlyReady(250, 'mail'),
    'MAIL FROM:<>': onlyReady(250, 'mail'),
    'RCPT TO:<c@localhost>': onlyMail([250, 'rcpt'], [250, 'rcpt']),
    'RCPT TO:<c@elsewhere.test>': onlyMail([550, stays], [550, stays]),
    DATA: onlyMail([554, stays], [354, 'ready']),
    'BDAT 0': onlyMail([554, stays], [250, 'chunks'], [250, stays]),
    'BDAT 0 LAST': onlyMail([554, stays], toReady, toReady),
    RSET: row([250, 'greeting'], toReady, toReady, toReady, toReady),
    QUIT: everywhere(221, 'closed'),
    NOOP: same(250),
    'NOOP anything': same(250),
    HELP: same(214),
    'HELP MAIL': same(214),
    'HELP nothing': same(504),
    'VRFY somebody': same(252),
    VRFY: same(501),
    'EXPN list': same(502),
    TURN: same(502),
    'SEND FROM:<a@example.org>': same(502),
    'SOML FROM:<a@example.org>': same(502),
    'SAML FROM:<a@example.org>': same(502),
    STARTTLS: onlyReady(502, stays),
    'AUTH PLAIN': onlyReady(502, stays),
    'XCLIENT ADDR=192.0.2.1': row([550, stays], [550, stays], notNow, notNow, notNow),
    'XFORWARD ADDR=192.0.2.1': onlyReady(550, stays),
    'ETRN example.org': onlyReady(502, stays),
    // Nothing that is a verb here.
    'LHLO client.example': same(500),
    XYZZY: same(500),
    '': same(500),
    // What is wrong with the command itself.
    EHLO: same(501),
    'EHLO under_score': same(501),
    'HELO a b': same(501),
    'RSET now': same(501),
    'QUIT now': same(501),
    MAIL: onlyReady(501, stays),
    'MAIL FROM:<a@b': onlyReady(501, stays),
    'MAIL FROM:<a@b> NOSUCH': onlyReady(555, stays),
    'RCPT TO:<>': afterMail(501, stays),
    'RCPT TO:<c@localhost> NOSUCH': afterMail(555, stays),
    'DATA now': onlyMail([554, stays], [501, stays], [501, stays]),
    // How much follows can't be told.
    'BDAT none': everywhere(501, 'closed'),
  }),
);

/** All is offered, to who has greeted with EHLO; in the clear. */
export const offeringTable: Table = new Map([
  ...mxTable,
  ...Object.entries({
    STARTTLS: onlyReady(220, 'closed'),
    'STARTTLS now': onlyReady(501, stays),
    'AUTH PLAIN AGFubkBvdXJzLnRlc3QAcGFzcyB3b3Jk': onlyReady(235, stays),
    'AUTH PLAIN': onlyReady(334, 'closed'),
    'AUTH CRAM-MD5': onlyReady(504, stays),
    'XCLIENT ADDR=192.0.2.1': row([220, 'greeting'], [220, 'greeting'], notNow, notNow, notNow),
    'XCLIENT ADDR=x': row([501, stays], [501, stays], notNow, notNow, notNow),
    'XFORWARD ADDR=192.0.2.1': onlyReady(250, stays),
    'ETRN example.org': onlyReady(458, stays),
    'VRFY somebody': same(250),
    'EXPN list': same(250),
  } satisfies Record<string, Row>),
]);

/** The same listener, to who has greeted with HELO: no extension (RFC 5321 §2.2.1). There is no `chunks` then. */
export const heloTable: Table = new Map([
  ...[...offeringTable].map(([command, cells]) => [command, { ...cells, chunks: cells.rcpt }] as const),
  ...Object.entries({
    'MAIL FROM:<a@example.org> SIZE=1': onlyReady(555, stays),
    'RCPT TO:<c@localhost> NOTIFY=NEVER': onlyMail([555, stays], [555, stays], [555, stays]),
    STARTTLS: onlyReady(503, stays),
    'STARTTLS now': onlyReady(501, stays),
    'AUTH PLAIN AGFubkBvdXJzLnRlc3QAcGFzcyB3b3Jk': onlyReady(503, stays),
    'AUTH PLAIN': onlyReady(503, stays),
    'AUTH CRAM-MD5': onlyReady(503, stays),
    'ETRN example.org': onlyReady(503, stays),
    'BDAT 0': same(503),
    'BDAT 0 LAST': same(503),
  } satisfies Record<string, Row>),
]);

/** LMTP (RFC 2033 §4.1, §4.2): LHLO, no BDAT here, and 503 for DATA without recipients. */
export const lmtpTable: Table = new Map([
  ...mxTable,
  ...Object.entries({
    'LHLO client.example': everywhere(...toReady),
    LHLO: same(501),
    'EHLO client.example': same(500),
    'HELO client.example': same(500),
    EHLO: same(500),
    'EHLO under_score': same(500),
    'HELO a b': same(500),
    DATA: onlyMail([503, stays], [354, 'ready']),
    'DATA now': onlyMail([503, stays], [501, stays]),
    'BDAT 0': same(502),
    'BDAT 0 LAST': same(502),
  } satisfies Record<string, Row>),
]);

/** Told from outside: each state answers these differently, and none of them changes it. */
export async function stateOf(client: RawClient): Promise<State> {
  try {
    // Nobody is taken at elsewhere.test.
    const rcpt = await client.command('RCPT TO:<x@elsewhere.test>');
    if (rcpt.code === 503) {
      if ((await client.command('MAIL FROM:<a@b.test> NOSUCH')).code === 555) return 'ready';
      return (await client.command('BDAT 0')).code === 250 ? 'chunks' : 'greeting';
    }
    return (await client.command('DATA')).code === 354 ? 'rcpt' : 'mail';
  } catch {
    return 'closed';
  }
}
