import type { ServerReply } from '@postrider/smtp';
import { expect, it, test } from 'vitest';
import { Hello, type HelloOptions } from './hello.js';
import type { Offer } from './offer.js';
import type { Refusal } from './trouble.js';

const usual: HelloOptions = { host: 'mx.dest.test', lmtp: false, ehlo: 'me.example', tls: true };

const replyOf = (text: string): ServerReply => {
  const lines = text.split('/');
  return { code: Number(text.slice(0, 3)), lines: lines.map((line, n) => (n === 0 ? line.slice(4) : line)) };
};

function begin(options: Partial<HelloOptions> = {}) {
  const said: string[] = [];
  const told: { offer?: Offer; refusal?: Refusal } = {};
  const hello = new Hello(
    { ...usual, ...options },
    {
      write: (text) => said.push(text.trimEnd()),
      encrypt: () => said.push('(TLS)'),
      ready: (offer) => (told.offer = offer),
      refuse: (refusal) => (told.refusal = refusal),
    },
  );
  const reply = (...texts: readonly string[]): void => texts.forEach((text) => hello.replied(replyOf(text)));
  return { hello, said, told, reply };
}

it('says EHLO and learns what is offered', () => {
  const { reply, said, told } = begin({ tls: false });
  reply('220 mx.dest.test ESMTP', '250 mx.dest.test/PIPELINING/SIZE 1000/8BITMIME/STARTTLS');
  expect(said).toEqual(['EHLO me.example']);
  expect(told.offer).toEqual({
    host: 'mx.dest.test',
    lmtp: false,
    pipelining: true,
    size: true,
    sizeLimit: 1000,
    eightBit: true,
    dsn: false,
    deliverBy: undefined,
    priority: false,
    requireTls: false,
    tls: 'none',
    binary: false,
    smtputf8: false,
    auth: false,
  });
});

it('says HELO to a server without extensions', () => {
  const { reply, said, told } = begin();
  reply('220 hi', '502 5.5.1 what?', '250 hello');
  expect(said).toEqual(['EHLO me.example', 'HELO me.example']);
  expect(told.offer).toMatchObject({ pipelining: false, size: false, eightBit: false });
});

it('says LHLO to an LMTP server, and nothing else', () => {
  const { reply, said, told } = begin({ lmtp: true });
  reply('220 hi', '500 5.5.1 what?');
  expect(said).toEqual(['LHLO me.example']);
  expect(told.refusal).toMatchObject({ never: false, diagnostic: { status: '5.5.1' } });
});

it('encrypts where it can, and asks anew', () => {
  const { reply, said, told, hello } = begin();
  reply('220 hi', '250 mx/PIPELINING/STARTTLS', '220 go');
  expect(hello.stage).toBe('handshake');
  hello.encrypted('verified');
  reply('250 mx/STARTTLS');
  expect(said).toEqual(['EHLO me.example', 'STARTTLS', '(TLS)', 'EHLO me.example']);
  expect(told.offer).toMatchObject({ pipelining: false });
  expect(hello.secured).toBe(true);
});

it('goes on unencrypted when STARTTLS is refused', () => {
  const { reply, said, told } = begin();
  reply('220 hi', '250 mx/PIPELINING/STARTTLS', '454 4.7.0 not now');
  expect(said).toEqual(['EHLO me.example', 'STARTTLS']);
  expect(told.offer).toMatchObject({ pipelining: true });
});

test.each([
  [['554 5.7.1 no mail here'], true, '5.7.1'],
  [['521 no mail here'], true, '5.0.0'],
  [['550 not you'], false, '5.0.0'],
  [['421 4.3.2 later'], false, '4.3.2'],
  [['450 later'], false, '4.0.0'],
  [['354 what?'], false, '2.0.0'],
  [['220 hi', '421 later'], false, '4.0.0'],
  [['220 hi', '550 no', '550 5.7.1 bad name'], false, '5.7.1'],
  [['220 hi', '250 mx/STARTTLS', '421 4.3.0 down'], false, '4.3.0'],
  [['220 hi', '250 mx/STARTTLS', '220 go', '250 injected'], false, '2.0.0'],
] as const)('%j: refused', (replies, never, status) => {
  const { reply, told } = begin();
  reply(...replies);
  expect(told.offer).toBeUndefined();
  expect(told.refusal).toMatchObject({ never, diagnostic: { status, remoteMta: 'mx.dest.test' } });
});
