import { describe, expect, it, test } from 'vitest';
import { jobOf } from '../job.fixture.js';
import { lmtp, oneByOne, pipelining, session } from './transfer-rig.fixture.js';

describe('with PIPELINING', () => {
  it('takes one write and one round trip a mail', () => {
    const { reply, writes, results, transfer } = session(pipelining, [jobOf('a'), jobOf('b')]);
    expect(writes()).toEqual(['MAIL FROM:<me@example.org>\r\nRCPT TO:<you@dest.test>\r\nDATA\r\n']);
    reply('250 Ok', '250 Ok', '354 Go');
    expect(writes()).toEqual([
      'Subject: a\r\n\r\n.\r\nMAIL FROM:<me@example.org>\r\nRCPT TO:<you@dest.test>\r\nDATA\r\n',
    ]);
    reply('250 2.0.0 a', '250 Ok', '250 Ok', '354 Go');
    expect(writes()).toEqual(['Subject: b\r\n\r\n.\r\n']);
    reply('250 b');
    expect(writes()).toEqual([]);
    expect(transfer.stage).toBe('idle');
    expect([...results]).toEqual([
      ['a', ['0 relayed 2.0.0 250 2.0.0 a']],
      ['b', ['0 relayed 2.0.0 250 b']],
    ]);
  });

  it('sends the envelope of a mail that comes while a content waits for its reply', () => {
    const { reply, writes, queue, transfer, results } = session(pipelining, [jobOf('a')]);
    reply('250 Ok', '250 Ok', '354 Go');
    writes();
    queue.push(jobOf('b'), jobOf('c'));
    transfer.offered();
    transfer.offered();
    expect(writes()).toEqual(['MAIL FROM:<me@example.org>\r\nRCPT TO:<you@dest.test>\r\nDATA\r\n']);
    reply('451 later', '250 Ok', '250 Ok', '354 Go');
    expect(writes()[0]).toMatch(/^Subject: b\r\n\r\n\.\r\nMAIL FROM/);
    expect(results.get('a')).toEqual(['0 temporary 4.0.0 451 later']);
  });

  it('gives an empty content to a server that asks for it without recipients, and goes on', () => {
    const { reply, heard, results, queue, transfer } = session(pipelining, [jobOf('a')]);
    heard();
    queue.push(jobOf('b'));
    reply('250 Ok', '550 5.1.1 No such user', '354 Go');
    expect(heard()).toEqual(['.', 'MAIL FROM:<me@example.org>', 'RCPT TO:<you@dest.test>', 'DATA']);
    expect(transfer.stage).toBe('content');
    reply('554 no recipients', '250 Ok', '250 Ok', '354 Go', '250 done');
    expect(results.get('a')).toEqual(['0 permanent 5.1.1 550 5.1.1 No such user']);
    expect(results.get('b')).toEqual(['0 relayed 2.0.0 250 done']);
  });

  it('resets what a refused DATA has left open, in the next group', () => {
    const { reply, heard, results } = session(pipelining, [jobOf('a'), jobOf('b')]);
    heard();
    reply('250 Ok', '550 No', '554 No valid recipients');
    expect(heard()).toEqual(['RSET', 'MAIL FROM:<me@example.org>', 'RCPT TO:<you@dest.test>', 'DATA']);
    reply('250 Ok', '250 Ok', '250 Ok', '354 Go', '250 done');
    expect([...results.values()]).toEqual([['0 permanent 5.0.0 550 No'], ['0 relayed 2.0.0 250 done']]);
  });

  it('counts replies: a refused MAIL is followed by refusals of no interest', () => {
    const { reply, heard, results } = session(pipelining, [
      jobOf('a', { to: ['x@dest.test', 'y@dest.test'] }),
      jobOf('b'),
    ]);
    heard();
    reply('452 4.3.1 full', '503 first MAIL', '503 first MAIL', '503 first MAIL');
    expect(results.get('a')).toEqual(['0,1 temporary 4.3.1 452 4.3.1 full']);
    expect(heard()[0]).toBe('MAIL FROM:<me@example.org>');
  });

  it('gives an empty content even where MAIL was refused', () => {
    const { reply, heard, results } = session(pipelining, [jobOf('a')]);
    heard();
    reply('550 no', '503 no', '354 Go');
    expect(heard()).toEqual(['.']);
    reply('554 nothing');
    expect(results.get('a')).toEqual(['0 permanent 5.0.0 550 no']);
  });
});

describe('without PIPELINING', () => {
  it('says one command at a time', () => {
    const { reply, writes, results } = session(oneByOne, [
      jobOf('a', { to: ['x@dest.test', 'y@dest.test'] }),
      jobOf('b'),
    ]);
    const said = writes();
    for (const text of ['250 Ok', '250 Ok', '250 Ok', '354 Go', '250 done']) {
      reply(text);
      said.push(...writes());
    }
    expect(said).toEqual([
      'MAIL FROM:<me@example.org>\r\n',
      'RCPT TO:<x@dest.test>\r\n',
      'RCPT TO:<y@dest.test>\r\n',
      'DATA\r\n',
      'Subject: a\r\n\r\n.\r\n',
      'MAIL FROM:<me@example.org>\r\n',
    ]);
    expect(results.get('a')).toEqual(['0,1 relayed 2.0.0 250 done']);
  });

  it('says nothing more of a mail whose MAIL is refused', () => {
    const { reply, heard, results } = session(oneByOne, [jobOf('a'), jobOf('b')]);
    heard();
    reply('550 5.7.1 not you');
    expect(heard()).toEqual(['MAIL FROM:<me@example.org>']);
    expect(results.get('a')).toEqual(['0 permanent 5.7.1 550 5.7.1 not you']);
  });

  it('resets a transaction without recipients', () => {
    const { reply, heard, results } = session(oneByOne, [jobOf('a'), jobOf('b')]);
    heard();
    reply('250 Ok', '550 No');
    expect(heard()).toEqual(['RCPT TO:<you@dest.test>', 'RSET']);
    reply('250 Ok');
    expect(heard()).toEqual(['MAIL FROM:<me@example.org>']);
    expect(results.get('a')).toEqual(['0 permanent 5.0.0 550 No']);
  });
});

it('asks for word of delays where the time that the sender set is lost (RFC 2852 §4.1.4.2)', () => {
  const scheduling = { deliverBy: { at: 60_000, mode: 'N', trace: false } } as const;
  const { reply, heard, results } = session({ ...pipelining, dsn: true }, [
    jobOf('a', { scheduling }),
    jobOf('b'),
  ]);
  expect(heard()[1]).toBe('RCPT TO:<you@dest.test> NOTIFY=FAILURE,DELAY');
  reply('250 Ok', '250 Ok', '354 Go', '250 done', '250 Ok', '250 Ok', '354 Go', '250 done');
  expect(results.get('a')).toEqual(['0 relayed 2.0.0 250 done, its time lost']);
  expect(results.get('b')).toEqual(['0 relayed 2.0.0 250 done']);
});

describe('recipients', () => {
  const three = { to: ['x@dest.test', 'y@dest.test', 'z@dest.test'] };

  it('each have their own outcome', () => {
    const { reply, results } = session(pipelining, [jobOf('a', three)]);
    reply('250 Ok', '550 5.1.1 No', '250 Ok', '450 4.2.0 grey', '354 Go', '250 2.0.0 done');
    expect(results.get('a')).toEqual([
      '0 permanent 5.1.1 550 5.1.1 No',
      '2 temporary 4.2.0 450 4.2.0 grey',
      '1 relayed 2.0.0 250 2.0.0 done',
    ]);
  });

  it('that are too many for one transaction go in the next', () => {
    const { reply, results } = session(pipelining, [jobOf('a', three)]);
    reply('250 Ok', '250 Ok', '452 4.5.3 Too many', '452 4.5.3 Too many', '354 Go', '250 done');
    expect(results.get('a')).toEqual(['1,2 untried 4.5.3 452 4.5.3 Too many', '0 relayed 2.0.0 250 done']);
  });

  it('with full mailboxes are not too many', () => {
    const { reply, results } = session(pipelining, [jobOf('a', three)]);
    reply('250 Ok', '250 Ok', '452 4.2.2 Full', '552 5.2.2 Full', '354 Go', '250 done');
    expect(results.get('a')?.slice(0, 2)).toEqual([
      '1 temporary 4.2.2 452 4.2.2 Full',
      '2 permanent 5.2.2 552 5.2.2 Full',
    ]);
  });

  it('have a reply each with LMTP', () => {
    const { reply, results, transfer } = session(lmtp, [jobOf('a', three)]);
    reply('250 Ok', '250 Ok', '550 No', '250 Ok', '354 Go', '250 2.0.0 delivered');
    expect(transfer.stage).toBe('content');
    reply('452 4.2.2 full');
    expect(results.get('a')).toEqual([
      '1 permanent 5.0.0 550 No',
      '0 delivered 2.0.0 250 2.0.0 delivered',
      '2 temporary 4.2.2 452 4.2.2 full',
    ]);
  });
});

describe('what a server offers', () => {
  test.each([
    [{ size: true }, {}, 'MAIL FROM:<me@example.org> SIZE=14'],
    [
      { size: true, eightBit: true },
      { body: '8BITMIME' },
      'MAIL FROM:<me@example.org> SIZE=14 BODY=8BITMIME',
    ],
    [{ eightBit: true }, {}, 'MAIL FROM:<me@example.org>'],
    [{}, { body: '8BITMIME' }, 'MAIL FROM:<me@example.org>'],
    [{}, { reversePath: '' }, 'MAIL FROM:<>'],
  ] as const)('%j %j', (offer, facts, line) => {
    expect(session({ ...pipelining, ...offer }, [jobOf('a', facts)]).heard()[0]).toBe(line);
  });

  test.each([
    [{ sizeLimit: 10 }, {}, '0 permanent 5.3.4 the mail has 14 octets, mx.dest.test takes 10'],
    [
      {},
      { body: '8BITMIME', content: 'ü\r\n' },
      '0 permanent 5.6.3 the mail has 8-bit octets, mx.dest.test does not offer 8BITMIME',
    ],
    [
      {},
      { to: ['ü@dest.test'] },
      '0 permanent 5.6.7 an address or the header is not US-ASCII, mx.dest.test does not offer SMTPUTF8',
    ],
    [{}, { to: ['you@dest.test>\r\nDATA'] }, '0 permanent 5.1.3 an address has a control character'],
    [{}, { reversePath: 'a\nb@example.org' }, '0 permanent 5.1.3 an address has a control character'],
  ] as const)('%j %j: not bothered with it', (offer, facts, result) => {
    const { heard, results, transfer } = session({ ...pipelining, ...offer }, [jobOf('a', facts)]);
    expect(heard()).toEqual([]);
    expect(results.get('a')).toEqual([result]);
    expect(transfer.stage).toBe('idle');
  });
});

describe('content', () => {
  test.each([
    ['.\r\n', '..\r\n.\r\n'],
    ['a\r\n.b\r\n', 'a\r\n..b\r\n.\r\n'],
    ['', '.\r\n'],
    ['no end', 'no end\r\n.\r\n'],
  ])('%j goes out as %j', (content, out) => {
    const { reply, writes } = session(pipelining, [jobOf('a', { content })]);
    writes();
    reply('250 Ok', '250 Ok', '354 Go');
    expect(writes()).toEqual([out]);
  });

  it('that is large is streamed, and the next envelope goes with its final dot', () => {
    const { reply, heard, told, transfer, queue } = session(pipelining, [jobOf('a', { largeOctets: 1000 })]);
    heard();
    reply('250 Ok', '250 Ok', '354 Go');
    expect(told.streamed).toEqual(['a']);
    expect(transfer.stage).toBe('block');
    queue.push(jobOf('b'));
    transfer.offered();
    expect(heard()).toEqual([]);
    transfer.streamed(true);
    expect(heard()).toEqual(['.', 'MAIL FROM:<me@example.org>', 'RCPT TO:<you@dest.test>', 'DATA']);
  });

  it('that can not be read gets no final dot', () => {
    const { reply, heard, told, transfer, results } = session(pipelining, [
      jobOf('a', { largeOctets: 1000 }),
    ]);
    reply('250 Ok', '250 Ok', '354 Go');
    heard();
    transfer.unreadable('chunk 3 is missing');
    expect(heard()).toEqual([]);
    expect(told.end).toEqual({ reason: 'closed' });
    expect(results.get('a')).toEqual(['0 temporary 4.3.0 the content can not be read: chunk 3 is missing']);
  });

  it.each([
    ['552 5.3.4 too big', '0 permanent 5.3.4 552 5.3.4 too big'],
    ['421 4.3.2 going down', '0 temporary 4.3.2 421 4.3.2 going down'],
  ])('that is answered midway with %s ends the session', (text, result) => {
    const { reply, told, results } = session(pipelining, [jobOf('a', { largeOctets: 1000 })]);
    reply('250 Ok', '250 Ok', '354 Go', text);
    expect(told.end).toEqual({ reason: 'closed' });
    expect(results.get('a')).toEqual([result]);
  });
});
