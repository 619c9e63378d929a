import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobOf } from '../job.fixture.js';
import type { Offer } from './offer.js';
import { lmtp, lost, pipelining, replyOf, session } from './transfer-rig.fixture.js';
import { mailsPerSession } from './transfer.js';

describe('421', () => {
  it.each([
    [[], 'temporary'],
    [['250 Ok'], 'temporary'],
    [['250 Ok', '250 Ok'], 'temporary'],
    [['250 Ok', '250 Ok', '354 Go'], 'temporary'],
  ] as const)('after %j is temporary for the first mail, and the session ends', (replies, outcome) => {
    const { reply, results, told } = session(pipelining, [jobOf('a')]);
    reply(...replies, '421 4.7.0 too busy');
    expect(results.get('a')).toEqual([`0 ${outcome} 4.7.0 421 4.7.0 too busy`]);
    expect(told.end).toEqual({ reason: 'closed' });
  });

  it('is no verdict on a mail that finds the session used up', () => {
    const { reply, results, told } = session(pipelining, [jobOf('a'), jobOf('b')]);
    reply('250 Ok', '250 Ok', '354 Go', '250 done', '421 4.7.0 that was enough');
    expect(results.get('a')).toEqual(['0 relayed 2.0.0 250 done']);
    expect(results.get('b')).toEqual(['0 untried 4.7.0 421 4.7.0 that was enough']);
    expect(told.end).toEqual({ reason: 'closed' });
  });

  it('keeps what recipients were told before', () => {
    const { reply, results } = session(pipelining, [jobOf('a', { to: ['x@dest.test', 'y@dest.test'] })]);
    reply('250 Ok', '550 5.1.1 No', '250 Ok', '421 down');
    expect(results.get('a')).toEqual(['0 permanent 5.1.1 550 5.1.1 No', '1 temporary 4.0.0 421 down']);
  });

  it('gives back the mail behind the content', () => {
    const { reply, results } = session(pipelining, [jobOf('a'), jobOf('b')]);
    reply('250 Ok', '250 Ok', '354 Go', '421 4.3.2 down');
    expect(results.get('a')).toEqual(['0 temporary 4.3.2 421 4.3.2 down']);
    expect(results.get('b')?.[0]).toMatch(/^0 untried 4\.4\.2 /);
  });

  it('may come unasked', () => {
    const { reply, told } = session(pipelining, []);
    reply('421 4.4.2 idle for too long');
    expect(told.end).toEqual({ reason: 'closed' });
  });
});

describe('a broken connection', () => {
  it.each([
    [[], '0 temporary 4.4.2 gone'],
    [['250 Ok', '250 Ok'], '0 temporary 4.4.2 gone'],
    [['250 Ok', '250 Ok', '354 Go'], '0 unknown 4.4.2 gone'],
    [['250 Ok', '550 5.1.1 No'], '0 permanent 5.1.1 550 5.1.1 No'],
  ])('after %j: %s', (replies, result) => {
    const { reply, transfer, results } = session(pipelining, [jobOf('a')]);
    reply(...replies);
    expect(transfer.broken(lost)).toEqual({ reason: 'lost', diagnostic: lost });
    expect(results.get('a')).toEqual([result]);
  });

  it('before a first reply to a later mail leaves it untried', () => {
    const { reply, transfer, results, queue } = session(pipelining, [jobOf('a')]);
    reply('250 Ok', '250 Ok', '354 Go', '250 done');
    queue.push(jobOf('b'));
    transfer.offered();
    transfer.broken(lost);
    expect(results.get('b')).toEqual(['0 untried 4.4.2 gone']);
  });

  it('leaves the mail behind the content untried', () => {
    const { reply, transfer, results } = session(pipelining, [jobOf('a'), jobOf('b')]);
    reply('250 Ok', '250 Ok', '354 Go');
    transfer.broken(lost);
    expect(results.get('a')).toEqual(['0 unknown 4.4.2 gone']);
    expect(results.get('b')).toEqual(['0 untried 4.4.2 gone']);
  });

  it('tells LMTP recipients with a reply from those without', () => {
    const { reply, transfer, results } = session(lmtp, [jobOf('a', { to: ['x@dest.test', 'y@dest.test'] })]);
    reply('250 Ok', '250 Ok', '250 Ok', '354 Go', '250 2.0.0 x');
    transfer.broken(lost);
    expect(results.get('a')).toEqual(['0 delivered 2.0.0 250 2.0.0 x', '1 unknown 4.4.2 gone']);
  });

  it('is no loss while idle, once it has worked', () => {
    const { reply, transfer } = session(pipelining, [jobOf('a')]);
    reply('250 Ok', '250 Ok', '354 Go', '250 done');
    expect(transfer.broken(lost)).toEqual({ reason: 'idle' });
    expect(session(pipelining, []).transfer.broken(lost)).toEqual({ reason: 'lost', diagnostic: lost });
  });
});

describe('nonsense', () => {
  it.each([
    [['354 Go']],
    [['250 Ok', '354 Go']],
    [['250 Ok', '250 Ok', '250 Ok']],
    [['250 Ok', '250 Ok', '354 Go', '354 Go']],
  ])('%j makes it give up', (replies) => {
    const { reply, told } = session(pipelining, [jobOf('a')]);
    reply(...replies);
    expect(told.gaveUp).toMatch(/^unexpected reply '/);
  });

  it('that nobody asked for makes it give up', () => {
    const { reply, told } = session(pipelining, []);
    reply('250 hello?');
    expect(told.gaveUp).toBe("unasked reply '250 hello?'");
  });

  it('of an LMTP server that wants content for nobody makes it give up', () => {
    const { reply, told } = session(lmtp, [jobOf('a')]);
    reply('250 Ok', '550 No', '354 Go');
    expect(told.gaveUp).toBe('content asked for without recipients');
  });
});

describe('the end', () => {
  it('comes with QUIT when it has been idle', () => {
    const { transfer, heard, reply, told, queue } = session(pipelining, []);
    transfer.idled();
    expect(heard()).toEqual(['QUIT']);
    queue.push(jobOf('a'));
    transfer.offered();
    expect(heard()).toEqual([]);
    reply('221 bye');
    expect(told.end).toEqual({ reason: 'idle' });
    expect(queue).toHaveLength(1);
  });

  it('comes with QUIT after what waits, when no more will come', () => {
    const { transfer, heard, reply, told } = session(pipelining, [jobOf('a'), jobOf('b')]);
    transfer.finish();
    heard();
    reply('250 Ok', '250 Ok', '354 Go', '250 a', '250 Ok', '250 Ok', '354 Go');
    heard();
    reply('250 b');
    expect(heard()).toEqual(['QUIT']);
    expect(transfer.broken(lost)).toEqual({ reason: 'closed' });
    reply('221 bye');
    expect(told.end).toEqual({ reason: 'closed' });
  });

  it('of the session comes after so many mails', () => {
    const jobs = Array.from({ length: mailsPerSession + 1 }, (_, n) => jobOf(String(n)));
    const { heard, reply, results, queue, told } = session(pipelining, jobs);
    for (let n = 0; n < mailsPerSession; n++) reply('250 Ok', '250 Ok', '354 Go', '250 done');
    expect(heard().at(-1)).toBe('QUIT');
    reply('221 bye');
    expect(told.end).toEqual({ reason: 'worn' });
    expect(results.size).toBe(mailsPerSession);
    expect(queue).toHaveLength(1);
  });

  it.each([
    [[], '0 untried 4.3.2 the delivery worker was stopped'],
    [['250 Ok', '250 Ok'], '0 untried 4.3.2 the delivery worker was stopped'],
    [['250 Ok', '250 Ok', '354 Go'], '0 unknown 4.3.2 the delivery worker was stopped'],
  ])('may come at once after %j: %s', (replies, result) => {
    const { transfer, reply, results, told } = session(pipelining, [jobOf('a')]);
    reply(...replies);
    transfer.abandon();
    expect(results.get('a')).toEqual([result]);
    expect(told.end).toEqual({ reason: 'closed' });
  });
});

describe('whatever a server says', () => {
  const reply = fc.constantFrom(
    '250 Ok',
    '250 Ok',
    '250 Ok',
    '354 Go',
    '354 Go',
    '450 later',
    '550 no',
    '421 bye',
    '220 hi',
  );
  const offer = fc
    .record({ lmtp: fc.boolean(), pipelining: fc.boolean() })
    .map((given): Offer => ({ ...pipelining, ...given }));

  it('each mail that is taken has exactly one result, which names each recipient once', () => {
    fc.assert(
      fc.property(offer, fc.array(reply, { maxLength: 40 }), (given, replies) => {
        const jobs = ['a', 'b', 'c'].map((id) => jobOf(id, { to: ['x@dest.test', 'y@dest.test'] }));
        const { transfer, told, results, queue } = session(given, jobs);
        for (const text of replies) {
          if (told.end ?? told.gaveUp) break;
          transfer.replied(replyOf(text));
        }
        if (!told.end) transfer.broken(lost);
        expect(results.size + queue.length).toBe(3);
        for (const lines of results.values())
          expect(lines.flatMap((line) => line.split(' ')[0]!.split(',')).sort()).toEqual(['0', '1']);
      }),
      { numRuns: 2000 },
    );
  });
});
