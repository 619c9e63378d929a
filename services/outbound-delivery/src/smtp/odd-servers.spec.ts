import { manualClock, type ManualClock } from '@postrider/actor';
import type { ChannelEnd } from '@postrider/protocol';
import { describe, expect, it, test } from 'vitest';
import { hopTo, jobs, run, scripted, sinkWith, waitFor } from './delivery-rig.fixture.js';
import { ordinary, type Script } from './scripted-server.fixture.js';
import { stages } from './stages.js';

describe('a connection that breaks', () => {
  const cut = (at: string): Script => ordinary({ [at]: 'cut' });

  test.each([
    ['MAIL', 'temporary 4.4.2'],
    ['RCPT', 'temporary 4.4.2'],
    ['DATA', 'temporary 4.4.2'],
    ['.', 'unknown 4.4.2'],
  ])('at %s', async (at, result) => {
    const server = await scripted(cut(at));
    const { end, results } = run({ hops: [hopTo(server.port)] });
    expect(await end).toMatchObject({ reason: 'lost' });
    expect(results.get('a')?.[0]).toMatch(
      new RegExp(`^0 ${result} mx\\.dest\\.test \\[127\\.0\\.0\\.1\\]:[0-9]+: `),
    );
  });

  it('at the greeting or EHLO is the exchanger’s failure', async () => {
    for (const at of ['', 'EHLO']) {
      const server = await scripted(cut(at));
      const { end, results } = run({ hops: [hopTo(server.port)] });
      expect(await end).toMatchObject({
        reason: 'site-temporary',
        // The system may tell of the greeting's end before it tells of its beginning.
        diagnostic: { status: expect.stringMatching(/^4\.4\.[12]$/) as unknown },
      });
      expect(results.size).toBe(0);
    }
  });
});

describe('odd servers', () => {
  it('may spread replies over lines and octets', async () => {
    const server = await scripted(
      ordinary({
        '': '220-one\n220-two\n220 three\n',
        EHLO: '250-scripted.test\r\n250-SIZE\r\n250-PIPELINING\r\n250\r\n',
        MAIL: '250-2.1.0 fine\r\n250 2.1.0 sender\r\n',
        '.': '250-2.0.0 taken\r\n250-2.0.0 as\r\n250 2.0.0 123\r\n',
      }),
    );
    const { end, results } = run({ hops: [hopTo(server.port)], jobs: jobs(3) });
    expect(await end).toEqual({ reason: 'closed' });
    expect(results.get('job2')).toEqual(['0 relayed 2.0.0 250 2.0.0 taken as 123']);
  });

  it('that talk HTTP are not reached', async () => {
    const server = await scripted(ordinary({ '': 'HTTP/1.1 400 Bad Request\r\n' }));
    expect(await run({ hops: [hopTo(server.port)] }).end).toMatchObject({
      reason: 'site-temporary',
      diagnostic: { text: expect.stringContaining('not a reply: HTTP/1.1 400') as unknown },
    });
  });

  it('that answer nonsense behind the content leave it unknown', async () => {
    const server = await scripted(ordinary({ '.': 'thanks!\r\n' }));
    const { end, results } = run({ hops: [hopTo(server.port)] });
    expect(await end).toMatchObject({ reason: 'lost' });
    expect(results.get('a')?.[0]).toContain('unknown 4.4.2');
  });

  it('that take the content and then break off leave it unknown, and the next untried', async () => {
    const sink = await sinkWith({ rules: { 'you@dest.test': [{ at: 'taken', cut: true }] } });
    const { end, results } = run({ hops: [hopTo(sink.port)], jobs: jobs(3) });
    expect(await end).toMatchObject({ reason: 'lost' });
    expect(results.get('job0')?.[0]).toContain('0 unknown 4.4.2');
    expect(results.get('job1')?.[0]).toContain('0 untried 4.4.2');
    expect(results.has('job2')).toBe(false);
  });

  it('whose TLS is broken get it without', async () => {
    const server = await scripted((line, connection) => {
      if (line.startsWith('EHLO')) return '250-scripted.test\r\n250 STARTTLS\r\n';
      if (line === 'STARTTLS') return connection === 1 ? '220 go\r\n' : '454 no\r\n';
      return ordinary()(line, connection);
    });
    const { end, results } = run({ hops: [hopTo(server.port)] });
    expect(await end).toEqual({ reason: 'closed' });
    expect(results.get('a')).toEqual(['0 relayed 2.0.0 250 ok']);
    expect(server.connections()).toBe(2);
    expect(server.heard.filter((line) => line === 'STARTTLS')).toHaveLength(1);
  });

  it('that slip a reply in behind STARTTLS are not believed', async () => {
    const server = await scripted(
      ordinary({ EHLO: '250-scripted.test\r\n250 STARTTLS\r\n', STARTTLS: '220 go\r\n250 injected\r\n' }),
    );
    expect(await run({ hops: [hopTo(server.port)] }).end).toMatchObject({ reason: 'site-temporary' });
  });
});

describe('time', () => {
  /** From that line on. */
  function silentAt(at: string): Script {
    let silent = false;
    return (line, connection) => {
      silent ||= at === '' ? line === '' : line.startsWith(at);
      return silent ? undefined : ordinary()(line, connection);
    };
  }

  /** The real socket moves on by itself; the clock only when it is told. */
  async function passUntilEnd(
    clock: ManualClock,
    end: Promise<ChannelEnd>,
    limit: number,
  ): Promise<ChannelEnd> {
    await clock.advance(limit - 1_000);
    expect(await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 20))])).toBeUndefined();
    await clock.advance(2_000);
    return end;
  }

  test.each([
    ['', 'greeting', undefined],
    ['EHLO', 'ehlo', undefined],
    ['MAIL', 'mail', 'temporary'],
    ['RCPT', 'rcpt', 'temporary'],
    ['DATA', 'data', 'temporary'],
    ['.', 'content', 'unknown'],
  ] as const)('a server silent at %j is given up', async (at, stage, outcome) => {
    const server = await scripted(silentAt(at));
    const clock = manualClock();
    const { end, results, delivery } = run({ hops: [hopTo(server.port)], clock });
    if (outcome !== undefined) await waitFor(() => delivery.state === 'busy');
    await waitFor(
      () => server.connections() === 1 && (at === '' || server.heard.some((line) => line.startsWith(at))),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const how = await passUntilEnd(clock, end, stages[stage].limit);
    expect(how).toMatchObject({
      reason: outcome === undefined ? 'site-temporary' : 'lost',
      diagnostic: {
        status: '4.4.2',
        text: expect.stringContaining(`timed out while ${stages[stage].doing}`) as unknown,
      },
    });
    if (outcome !== undefined) expect(results.get('a')?.[0]).toContain(outcome);
  });

  it('an idle session ends with QUIT', async () => {
    const sink = await sinkWith();
    const clock = manualClock();
    const { end, results } = run({ hops: [hopTo(sink.port)], clock, open: true });
    await waitFor(() => results.size === 1);
    expect(await passUntilEnd(clock, end, stages.idle.limit)).toEqual({ reason: 'idle' });
    await waitFor(() => sink.connections().open === 0);
  });
});

describe('the end of the worker', () => {
  it('while connecting comes at once', async () => {
    const server = await scripted(() => undefined);
    const { delivery, end } = run({ hops: [hopTo(server.port)], jobs: [], open: true });
    await waitFor(() => server.connections() === 1);
    expect(delivery.state).toBe('connecting');
    delivery.finish();
    expect(await end).toEqual({ reason: 'closed' });
  });

  test.each([
    ['MAIL', 'untried'],
    ['.', 'unknown'],
  ])('while waiting at %s: %s', async (at, outcome) => {
    const server = await scripted(ordinary({ [at]: undefined }));
    const { delivery, end, results } = run({ hops: [hopTo(server.port)] });
    await waitFor(() => server.heard.some((line) => line.startsWith(at)));
    delivery.abandon();
    expect(await end).toEqual({ reason: 'closed' });
    expect(results.get('a')?.[0]).toContain(`0 ${outcome} 4.3.2`);
  });
});
