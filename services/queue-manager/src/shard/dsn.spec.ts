/** Who hears of what: DSNs of success, of aliases, and what goes back of the mail (RFC 3461 §5.2, §6.2). */
import { expect, test } from 'vitest';
import { startRig, turns, type Rig } from '../rig/rig.js';

const live = (rig: Rig): number => rig.queue.environment.owner.figures()['liveMails'] ?? -1;

/** DSNs as they came to the worker, oldest first. */
const dsnTexts = (rig: Rig): readonly string[] =>
  rig.worker.taken
    .filter(({ envelope }) => envelope.reversePath === '')
    .map(({ content }) => Buffer.from(content ?? []).toString());

test('success is reported to whom it matters, where the next hop does not (RFC 3461 §5.2.2, §5.2.3)', async () => {
  const rig = await startRig();
  rig.worker.answer = () => 'relayed';
  await rig.accept({
    recipients: [
      { forwardPath: 'wants@a.test', notify: ['SUCCESS'] },
      { forwardPath: 'also@a.test', notify: ['SUCCESS', 'FAILURE'] },
      { forwardPath: 'plain@a.test' },
      { forwardPath: 'never@a.test', notify: ['NEVER'] },
    ],
  });
  await turns(200);
  expect(dsnTexts(rig)).toHaveLength(1);
  const [text = ''] = dsnTexts(rig);
  expect(text).toMatch(/Final-Recipient: rfc822; wants@a\.test\r\nAction: relayed\r\nStatus: 2\./);
  expect(text).toContain('also@a.test');
  expect(text).not.toMatch(/(?:plain|never)@/);
  expect(rig.events('bounced')).toMatchObject([{ action: 'relayed' }]);
  expect(live(rig)).toBe(0);
});

test('a next hop that was told of it reports itself', async () => {
  const rig = await startRig();
  rig.worker.answer = () => 'relayed';
  rig.worker.dsnPassedOn = true;
  await rig.accept({
    dsn: { ret: 'FULL', envid: 'E1' },
    recipients: [{ forwardPath: 'a@a.test', notify: ['SUCCESS'], orcpt: 'rfc822;A@a.test' }],
  });
  await turns(200);
  expect(dsnTexts(rig)).toEqual([]);
  expect(rig.worker.taken[0]?.envelope).toMatchObject({
    dsn: { ret: 'FULL', envid: 'E1' },
    recipients: [{ index: 0, forwardPath: 'a@a.test', notify: ['SUCCESS'], orcpt: 'rfc822;A@a.test' }],
  });
});

const notifies = {
  recipients: [
    { forwardPath: 'plain@a.test' },
    { forwardPath: 'fails@a.test', notify: ['FAILURE'] },
    { forwardPath: 'wants@a.test', notify: ['SUCCESS'] },
    { forwardPath: 'never@a.test', notify: ['NEVER'] },
  ],
} as const;
test.each([
  ['N to a hop that does not know it', { mode: 'N', trace: false }, true],
  ['N with T', { mode: 'N', trace: true }, false],
  ['R with T', { mode: 'R', trace: true }, false],
] as const)('relayed by %s: all hear of it but who never wants to', async (_, by, dropped) => {
  const rig = await startRig();
  rig.worker.answer = () => 'relayed';
  rig.worker.dsnPassedOn = true;
  rig.worker.deliverByDropped = dropped;
  await rig.accept({ ...notifies, scheduling: { deliverBy: { at: rig.clock.now() + 60_000, ...by } } });
  await turns(200);
  const [text = '', ...others] = dsnTexts(rig);
  expect(others).toEqual([]);
  for (const name of ['plain', 'fails', 'wants'])
    expect(text).toMatch(new RegExp(`Final-Recipient: rfc822; ${name}@a\\.test\r\nAction: relayed\r\n`));
  expect(text).not.toContain('never@');
  // RFC 2852 §4.1, §5
  expect(text).toMatch(/^Arrival-Date: .*\r\nDeliver-by-date: /m);
  expect(live(rig)).toBe(0);
});

test('a hop that keeps the time gets no more words than before', async () => {
  const rig = await startRig();
  rig.worker.answer = () => 'relayed';
  rig.worker.dsnPassedOn = true;
  const deliverBy = { at: rig.clock.now() + 60_000, mode: 'N', trace: false } as const;
  await rig.accept({ ...notifies, scheduling: { deliverBy } });
  await turns(200);
  expect(dsnTexts(rig)).toEqual([]);
});

test('one mail may be told of twice: what went well, and what did not', async () => {
  const rig = await startRig();
  rig.worker.answer = ({ envelope }) =>
    envelope.recipients[0]?.forwardPath.startsWith('bad') === true ? 'permanent' : 'delivered';
  await rig.accept({
    dsn: { ret: 'FULL' },
    recipients: [
      { forwardPath: 'bad@b.test', notify: ['SUCCESS', 'FAILURE'] },
      { forwardPath: 'good@a.test', notify: ['SUCCESS', 'FAILURE'] },
    ],
  });
  await turns(200);
  const [failed, delivered, ...others] = [...dsnTexts(rig)].sort((a, b) => b.length - a.length);
  expect(others).toEqual([]);
  expect(failed).toMatch(/Action: failed/);
  // RFC 3461 §6.2: all of it for failures only.
  expect(failed).toMatch(/message\/rfc822\r\n\r\nSubject: hello\r\n\r\nHello/);
  expect(delivered).toMatch(/Action: delivered/);
  expect(delivered).toMatch(/text\/rfc822-headers\r\n\r\nSubject: hello\r\n\r\n--/);
});

test('a mail that is too long to go back in a record goes back as its header section', async () => {
  const rig = await startRig();
  rig.worker.answer = (job) => (job.envelope.reversePath === '' ? 'delivered' : 'permanent');
  const large = { chunks: 1, octets: 300_000, sha256: '', contentId: 'x' };
  await rig.accept({ dsn: { ret: 'FULL' }, large });
  await turns(200);
  expect(dsnTexts(rig)[0]).toContain('text/rfc822-headers');
});

test('an alias is reported as expanded, once, also when its owner dies meanwhile', async () => {
  const rig = await startRig();
  rig.worker.answer = ({ envelope }) => (envelope.reversePath === '' ? 'delivered' : undefined);
  await rig.accept({
    recipients: [
      { forwardPath: 'a@a.test', original: 'all@x.test', notify: ['FAILURE'] },
      { forwardPath: 'b@b.test', original: 'all@x.test', notify: ['FAILURE'] },
      { forwardPath: 'all@x.test', notify: ['SUCCESS'], orcpt: 'rfc822;All@x.test', expanded: true },
    ],
  });
  await turns(200);
  expect(rig.events('bounced')).toMatchObject([{ action: 'expanded' }]);
  const text = dsnTexts(rig)[0] ?? '';
  expect(text).toMatch(/Final-Recipient: rfc822; all@x\.test\r\nAction: expanded\r\nStatus: 2\.0\.0/);
  expect(text).toContain('Original-Recipient: rfc822; All@x.test');
  expect(text).not.toContain('a@a.test');
  const again = await rig.killed();
  again.worker.answer = () => 'delivered';
  await again.pass(60_000);
  expect(again.events('bounced')).toHaveLength(1);
  expect(
    again.worker.taken.every(({ envelope }) => envelope.recipients[0]?.forwardPath !== 'all@x.test'),
  ).toBe(true);
});
