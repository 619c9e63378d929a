import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { factsOfTest, ingressOfTest, type IngressOfTest } from '../spec/ingress-of-test.js';
import { Session } from './session.js';

class Talk {
  readonly ingress: IngressOfTest;
  readonly writes: string[] = [];
  readonly session: Session;
  ended = false;
  paused = false;
  handshake = false;
  /** What the socket says to a write. */
  reads = true;

  constructor(ingress = ingressOfTest()) {
    this.ingress = ingress;
    this.session = new Session(factsOfTest(ingress), {
      write: (text) => {
        expect(this.ended).toBe(false);
        this.writes.push(text);
        return this.reads;
      },
      end: () => (this.ended = true),
      pause: () => (this.paused = true),
      resume: () => (this.paused = false),
      startTls: () => (this.handshake = true),
    });
    this.session.begin();
    this.writes.length = 0;
  }

  say(text: string): void {
    this.session.receive(Buffer.from(text, 'latin1'));
  }

  /** Codes of all replies so far. */
  get codes(): readonly number[] {
    return [...this.writes.join('').matchAll(/^([0-9]{3}) /gm)].map((match) => Number(match[1]));
  }
}

const toRcpt = (talk: Talk): void => {
  talk.say('EHLO c.example\r\n');
  talk.say('MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n');
};

test('a pipelined group is answered in one write (RFC 2920 §3.2)', () => {
  const talk = new Talk();
  talk.say('EHLO c.example\r\n');
  talk.say('MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@d.test>\r\nDATA\r\n');
  expect(talk.writes).toHaveLength(2);
  expect(talk.codes).toEqual([250, 250, 250, 250, 354]);
});

test('while something is under way what comes waits, in order and bounded', async () => {
  const talk = new Talk();
  toRcpt(talk);
  talk.say('DATA\r\n');
  talk.say('x\r\n.\r\nRSET\r\nMAIL FROM:<>\r\n');
  const before = talk.codes.length;
  talk.say('RSET\r\n'.repeat(20_000));
  expect(talk.paused).toBe(true);
  expect(talk.codes).toHaveLength(before);
  await nextTurn();
  expect(talk.codes.slice(before, before + 3)).toEqual([250, 250, 250]);
  expect(talk.paused).toBe(false);
});

test('a client that does not read is not answered further until it does', () => {
  const talk = new Talk();
  talk.reads = false;
  talk.say('RSET\r\n');
  talk.say('RSET\r\nRSET\r\n');
  expect(talk.codes).toEqual([250]);
  talk.reads = true;
  talk.session.drained();
  expect(talk.codes).toEqual([250, 250, 250]);
});

test('after STARTTLS nothing that came before is known or read (RFC 3207 §4.2)', () => {
  const talk = new Talk();
  talk.say('EHLO c.example\r\n');
  talk.say('STARTTLS\r\n');
  expect(talk.handshake).toBe(true);
  // In the clear, while the handshake is awaited.
  talk.say('MAIL FROM:<a@b.test>\r\n');
  expect(talk.codes).toEqual([250, 220]);
  talk.session.secured({ protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', binding: () => undefined });
  expect(talk.codes).toEqual([250, 220]);
  talk.say('MAIL FROM:<a@b.test>\r\n');
  talk.say('EHLO c.example\r\n');
  talk.say('STARTTLS\r\n');
  expect(talk.codes.slice(2)).toEqual([503, 250, 503]);
  expect(talk.writes.at(-2)).not.toContain('STARTTLS');
});

test('what is sent behind STARTTLS ends the session', () => {
  const talk = new Talk();
  talk.say('EHLO c.example\r\n');
  talk.say('STARTTLS\r\nRSET\r\n');
  expect(talk.codes).toEqual([250, 554]);
  expect(talk.handshake).toBe(false);
  expect(talk.ended).toBe(true);
});

test('mail data may last as long as limits.data_time', async () => {
  const talk = new Talk(ingressOfTest({ limits: { data_time: '1h' } }));
  toRcpt(talk);
  talk.say('DATA\r\n');
  await talk.ingress.clock.advance(3_599_000);
  talk.say('x\r\n');
  expect(talk.ended).toBe(false);
  await talk.ingress.clock.advance(2_000);
  talk.say('y\r\n');
  expect(talk.codes.at(-1)).toBe(421);
  expect(talk.ended).toBe(true);
});

test('silence ends it, but not while its mail is committed', async () => {
  const talk = new Talk();
  toRcpt(talk);
  talk.say('DATA\r\n');
  talk.say('x\r\n.\r\n');
  talk.session.idle();
  expect(talk.ended).toBe(false);
  await nextTurn();
  expect(talk.codes.at(-1)).toBe(250);
  talk.session.idle();
  expect(talk.codes.at(-1)).toBe(421);
  expect(talk.ended).toBe(true);
});

test('the process holds no more content than its budget', () => {
  const talk = new Talk();
  toRcpt(talk);
  talk.say('DATA\r\n');
  talk.say('x'.repeat(100_000));
  expect(talk.ingress.budget.used).toBe(100_000);
  talk.say('x'.repeat(200_000));
  expect(talk.ingress.budget.used).toBe(0);
  talk.session.disconnected();
});

test('refusals of a transaction are told as events, noise is not', () => {
  const talk = new Talk(ingressOfTest({ relay: { networks: [] } }));
  talk.say('XYZZY\r\n');
  talk.say('EHLO c.example\r\n');
  talk.say('MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n');
  expect(talk.ingress.rejections).toMatchObject([
    { verb: 'RCPT', client: '127.0.0.1', helo: 'c.example', reversePath: 'a@b.test', recipient: 'c@d.test' },
  ]);
  expect(talk.ingress.counts.rejected).toBe(1);
});

const openings: Readonly<Record<string, readonly string[]>> = {
  greeting: [],
  ready: ['EHLO c.example\r\n'],
  mail: ['EHLO c.example\r\n', 'MAIL FROM:<a@b.test>\r\n'],
  rcpt: ['EHLO c.example\r\n', 'MAIL FROM:<a@b.test>\r\n', 'RCPT TO:<c@d.test>\r\n'],
  content: ['EHLO c.example\r\n', 'MAIL FROM:<a@b.test>\r\n', 'RCPT TO:<c@d.test>\r\n', 'DATA\r\n'],
};
const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const likely = fc.constantFrom(
  ...[
    'EHLO c.example',
    'HELO x',
    'MAIL FROM:<a@b.test>',
    'MAIL FROM:<>',
    'RCPT TO:<c@d.test>',
    'RCPT TO:<d@localhost>',
  ],
  ...[
    'DATA',
    'BDAT 3',
    'BDAT 0 LAST',
    'BDAT 20 LAST',
    'BDAT x',
    'AUTH PLAIN',
    'STARTTLS x',
    'RSET',
    'NOOP',
    'QUIT',
    'HELP',
    'VRFY x',
    'EXPN x',
    '.',
    '..',
    ' SIZE=1',
    ' BODY=8BITMIME',
    'Received: x',
  ],
);
const ends = fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n.\r\n', '\n', '\r', '\0', '');
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(likely, ends).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: octet, maxLength: 40 }) },
);

describe.each(Object.keys(openings))('garbage from state %s', (state) => {
  test('gets whole replies, ends no process and leaks nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 25 }), fc.boolean(), async (pieces, waits) => {
        const talk = new Talk();
        for (const line of openings[state] ?? []) {
          talk.say(line);
          await nextTurn();
        }
        for (const text of pieces) {
          talk.say(text);
          if (waits) await nextTurn();
        }
        await nextTurn();
        await nextTurn();
        talk.session.disconnected();
        expect(talk.writes.join('')).toMatch(/^(?:[2345][0-9]{2}[ -][\t\x20-\x7e]*\r\n)*$/);
        expect(talk.ingress.faults).toEqual([]);
        expect(talk.ingress.budget.used).toBe(0);
        for (const { envelope, content } of talk.ingress.mails) {
          expect(envelope.recipients.length).toBeGreaterThan(0);
          expect(Buffer.from(content!).toString('latin1')).toMatch(/^Received: (?:[^\r\n\0]*\r\n)+$/);
        }
      }),
      { numRuns: 150 },
    );
  });
});
