import { freePort } from '@postrider/testing';
import { describe, expect, it, test } from 'vitest';
import { jobOf } from '../job.fixture.js';
import { chunks, hopTo, jobs, run, scripted, sinkWith, waitFor } from './delivery-rig.fixture.js';
import { ordinary } from './scripted-server.fixture.js';
import { mailsPerSession } from './transfer.js';

describe('mails to a real server', () => {
  test.each([
    [{}, 1],
    [{ startTls: true }, 1],
    [{ extensions: ['SIZE', '8BITMIME'] }, 1],
    [{ extensions: [] }, 1],
    [{ mailsPerConnection: 100 }, 1],
  ] as const)('%j', async (options, connections) => {
    const sink = await sinkWith(options);
    const content = 'Subject: x\r\n\r\n.dot\r\n..\r\n';
    const { end, results } = run({ hops: [hopTo(sink.port)], jobs: jobs(20, { content }) });
    expect(await end).toEqual({ reason: 'closed' });
    expect([...results.values()].flat()).toEqual(
      Array.from({ length: 20 }, () => '0 relayed 2.0.0 250 2.0.0 Ok: taken'),
    );
    expect(sink.mails.map((mail) => mail.content)).toEqual(Array.from({ length: 20 }, () => content));
    expect(sink.report().violations).toEqual([]);
    expect(sink.connections().all).toBe(connections);
    expect(sink.mails[0]).toMatchObject({
      helo: 'me.example',
      reversePath: 'me@example.org',
      recipients: ['you@dest.test'],
    });
  });

  it('is encrypted where the server offers it, and events may say how', async () => {
    const sink = await sinkWith({ startTls: true });
    const { end, tls } = run({ hops: [hopTo(sink.port)] });
    await end;
    expect(sink.mails[0]?.tls).toBe(true);
    expect(tls[0]).toMatch(/^TLSv1\.[23] /);
  });

  it('is not encrypted where that is off', async () => {
    const sink = await sinkWith({ startTls: true });
    await run({ hops: [hopTo(sink.port)], tls: false }).end;
    expect(sink.mails[0]?.tls).toBe(false);
  });

  it('of 8 bits says so', async () => {
    const sink = await sinkWith();
    await run({ hops: [hopTo(sink.port)], jobs: [jobOf('a', { body: '8BITMIME', content: 'ü\r\n' })] }).end;
    expect(sink.mails[0]?.mailParameters).toBe('SIZE=4 BODY=8BITMIME');
    expect(Buffer.from(sink.mails[0]!.content, 'latin1').toString()).toBe('ü\r\n');
  });

  it('over LMTP is answered for each recipient', async () => {
    const sink = await sinkWith({
      protocol: 'lmtp',
      rules: { 'full@dest.test': [{ at: 'dot', reply: '452 4.2.2 full' }] },
    });
    const to = ['you@dest.test', 'full@dest.test', 'she@dest.test'];
    const { end, results } = run({ hops: [hopTo(sink.port)], jobs: jobs(3, { to }), kind: 'lmtp' });
    expect(await end).toEqual({ reason: 'closed' });
    for (const lines of results.values())
      expect(lines).toEqual(['0,2 delivered 2.0.0 250 2.0.0 Ok: taken', '1 temporary 4.2.2 452 4.2.2 full']);
    expect(sink.report().violations).toEqual([]);
  });

  it('that are very many go over several sessions', async () => {
    const sink = await sinkWith({ keepMails: false });
    const { end, results } = run({ hops: [hopTo(sink.port)], jobs: jobs(2 * mailsPerSession + 1) });
    expect(await end).toEqual({ reason: 'closed' });
    expect(results.size).toBe(2 * mailsPerSession + 1);
    expect(sink.connections().all).toBe(3);
  });

  it('that comes later goes over the same session', async () => {
    const sink = await sinkWith();
    const { offer, results, delivery, end } = run({ hops: [hopTo(sink.port)], open: true });
    await waitFor(() => results.size === 1);
    expect(delivery.state).toBe('idle');
    offer(jobOf('b'));
    await waitFor(() => results.size === 2);
    delivery.finish();
    expect(await end).toEqual({ reason: 'closed' });
    expect(sink.connections().all).toBe(1);
  });
});

describe('large content', () => {
  const line = `${'x'.repeat(70)}\r\n`;
  const pieces = Array.from({ length: 40 }, (_, n) => `${n % 3 === 0 ? '.' : ''}${line.repeat(1000)}`);
  const whole = pieces.join('');

  it('is streamed with its dots stuffed, mail after mail', async () => {
    const sink = await sinkWith();
    const { end, results } = run({
      hops: [hopTo(sink.port)],
      jobs: [jobOf('a', { largeOctets: whole.length }), jobOf('b')],
      largeContent: () => chunks(...pieces),
    });
    await end;
    expect([...results.keys()]).toEqual(['a', 'b']);
    expect(sink.mails[0]?.content === whole).toBe(true);
    expect(sink.report().violations).toEqual([]);
  });

  it('goes by BDAT to LMTP without the Return-Path of others, and the length is right (RFC 5321 §4.4)', async () => {
    const parts = ['Return-', 'Path: <a@b.test>\r\nSubject: x\r\n', '\r\nReturn-Path: text\r\n', 'end\r\n'];
    let greeting: string | undefined = '220 scripted.test\r\n';
    const server = await scripted((line) => {
      const first = greeting;
      greeting = undefined;
      if (line.startsWith('LHLO'))
        return '250-scripted.test\r\n250-8BITMIME\r\n250-CHUNKING\r\n250 BINARYMIME\r\n';
      return first ?? (/^(?:end$|MAIL |RCPT |QUIT)/.test(line) ? '250 ok\r\n' : undefined);
    });
    const { end } = run({
      hops: [hopTo(server.port)],
      jobs: [jobOf('a', { body: 'BINARYMIME', largeOctets: parts.join('').length })],
      kind: 'lmtp',
      largeContent: () => chunks(...parts),
    });
    await end;
    const [, , , bdat = '', ...content] = server.heard.filter((line) => line !== 'QUIT');
    const left = `${content.join('\r\n')}\r\n`;
    expect(left).toBe('Subject: x\r\n\r\nReturn-Path: text\r\nend\r\n');
    expect(bdat).toBe(`BDAT ${left.length} LAST`);
  });

  it('waits for a server that reads slowly', async () => {
    let given = 0;
    const server = await scripted(ordinary({ DATA: 'deaf' }));
    const block = Buffer.alloc(256 * 1024, 'x');
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += block.length;
        await Promise.resolve();
        yield block;
      }
    }
    const { delivery, end, results } = run({
      hops: [hopTo(server.port)],
      jobs: [jobOf('a', { largeOctets: 1e9 })],
      largeContent: endless,
    });
    await waitFor(() => delivery.state === 'busy' && given > 0);
    // What the system's buffers take on both sides, and no more however long it lasts.
    let before = -1;
    await waitFor(() => {
      const same = given === before;
      before = given;
      return same;
    });
    expect(given).toBeLessThan(64 * 1024 * 1024);
    delivery.abandon();
    await end;
    expect(results.get('a')).toEqual(['0 untried 4.3.2 the delivery worker was stopped']);
  });

  it('that is missing is not sent as if it were whole', async () => {
    const sink = await sinkWith();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('Subject: x\r\n');
      await Promise.resolve();
      throw new Error('chunk 1 is missing');
    }
    const { end, results } = run({
      hops: [hopTo(sink.port)],
      jobs: [jobOf('a', { largeOctets: 1000 }), jobOf('b')],
      largeContent: broken,
    });
    expect(await end).toEqual({ reason: 'closed' });
    expect(results.get('a')).toEqual(['0 temporary 4.3.0 the content can not be read: chunk 1 is missing']);
    await waitFor(() => sink.connections().open === 0);
    expect(sink.count()).toBe(0);
  });
});

describe('refusals', () => {
  test.each([
    ['mail', '451 4.3.0 no', 'temporary 4.3.0 451 4.3.0 no'],
    ['mail', '550 5.7.1 no', 'permanent 5.7.1 550 5.7.1 no'],
    ['rcpt', '450 4.2.0 no', 'temporary 4.2.0 450 4.2.0 no'],
    ['rcpt', '550 5.1.1 no', 'permanent 5.1.1 550 5.1.1 no'],
    ['data', '451 4.3.0 no', 'temporary 4.3.0 451 4.3.0 no'],
    ['data', '554 5.5.0 no', 'permanent 5.5.0 554 5.5.0 no'],
    ['dot', '451 4.3.0 no', 'temporary 4.3.0 451 4.3.0 no'],
    ['dot', '554 5.6.0 no', 'permanent 5.6.0 554 5.6.0 no'],
  ] as const)('at %s: %s', async (at, reply, result) => {
    for (const extensions of [undefined, ['SIZE']]) {
      const sink = await sinkWith({
        rules: { '*': [{ at, reply, times: 1 }] },
        ...(extensions === undefined ? {} : { extensions }),
      });
      const other = jobOf('b', { to: ['other@dest.test', 'more@dest.test'] });
      const { end, results } = run({ hops: [hopTo(sink.port)], jobs: [jobOf('a'), other] });
      expect(await end).toEqual({ reason: 'closed' });
      expect(results.get('a')).toEqual([`0 ${result}`]);
      expect(sink.report().violations).toEqual([]);
      expect(sink.connections().all).toBe(1);
    }
  });

  it('of a mail over SIZE costs no DATA', async () => {
    const sink = await sinkWith({ extensions: ['PIPELINING', 'SIZE 10'] });
    const { end, results } = run({ hops: [hopTo(sink.port)] });
    await end;
    expect(results.get('a')).toEqual(['0 permanent 5.3.4 the mail has 14 octets, mx.dest.test takes 10']);
  });

  it('421 after some mails gives the next one back untried', async () => {
    const sink = await sinkWith({ mailsPerConnection: 2 });
    const { end, results } = run({ hops: [hopTo(sink.port)], jobs: jobs(5) });
    expect(await end).toEqual({ reason: 'closed' });
    expect([...results.values()].map(([line]) => line?.split(' ')[1])).toEqual([
      'relayed',
      'relayed',
      'untried',
    ]);
  });
});

describe('next hops', () => {
  it('are tried in order until one takes mail', async () => {
    const nobody = await freePort();
    const busy = await sinkWith({ rules: { '*': [{ at: 'connect', reply: '421 4.3.2 busy' }] } });
    const never = await sinkWith({ rules: { '*': [{ at: 'connect', reply: '554 5.7.1 never' }] } });
    const good = await sinkWith();
    const hops = [hopTo(nobody, 1), hopTo(busy.port, 2), hopTo(never.port, 3), hopTo(good.port, 4)];
    const { end, results } = run({ hops });
    expect(await end).toEqual({ reason: 'closed' });
    expect(results.get('a')?.[0]).toContain('relayed');
    expect([busy, never, good].map((sink) => sink.connections().all)).toEqual([1, 1, 1]);
  });

  it('that all say never are the end', async () => {
    const never = await sinkWith({ rules: { '*': [{ at: 'connect', reply: '554 5.7.1 never' }] } });
    const hops = [hopTo(never.port, 1), hopTo(never.port, 2)];
    const { end, results } = run({ hops });
    expect(await end).toEqual({
      reason: 'site-permanent',
      diagnostic: { status: '5.7.1', text: '554 5.7.1 never', remoteMta: 'mx.dest.test' },
    });
    expect(results.size).toBe(0);
  });

  it('of which one can not be reached may be back later', async () => {
    const never = await sinkWith({ rules: { '*': [{ at: 'connect', reply: '554 5.7.1 never' }] } });
    const nobody = await freePort();
    expect(await run({ hops: [hopTo(never.port, 1), hopTo(nobody, 2)] }).end).toMatchObject({
      reason: 'site-temporary',
      diagnostic: {
        status: '4.4.1',
        text: `connect to mx.dest.test [127.0.0.1]:${nobody}: connection refused (ECONNREFUSED)`,
      },
    });
  });

  it('without an address of our families are not there', async () => {
    expect(await run({ hops: [hopTo(25)], families: [6] }).end).toMatchObject({
      reason: 'site-temporary',
      diagnostic: { status: '4.4.4' },
    });
  });
});
