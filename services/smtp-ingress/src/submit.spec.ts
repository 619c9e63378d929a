import type { SubmittedMail } from '@postrider/protocol';
import { manualClock } from '@postrider/actor';
import { describe, expect, test } from 'vitest';
import { ingressOfTest } from './spec/ingress-of-test.js';
import { submitBehaviour } from './submit.js';

const mail: SubmittedMail = {
  reversePath: 'me@localhost',
  forwardPaths: ['a@away.test'],
  content: Buffer.from('Subject: x\r\n\r\ntext\r\n'),
  user: 'me',
};

function submitTo(ingress = ingressOfTest()) {
  const { handlers } = submitBehaviour(ingress)({
    clock: manualClock(),
    fail: () => undefined,
    stop: () => undefined,
  });
  return (given: Partial<SubmittedMail>) => handlers.submit({ ...mail, ...given }, { instance: 'x' });
}

test('takes mail as from a client that may relay', async () => {
  const ingress = ingressOfTest({ relay: { networks: [] } });
  expect(await submitTo(ingress)({})).toEqual({ result: 'accepted', id: 'id1', rejected: [] });
  expect(ingress.lines).toMatchObject([
    [{ mail: 'id1', client: 'local', from: 'me@localhost', recipients: 1 }, 'accepted'],
  ]);
  const [stored] = ingress.mails;
  expect(stored?.envelope).toMatchObject({
    reversePath: 'me@localhost',
    recipients: [{ forwardPath: 'a@away.test' }],
    listener: 'local',
    client: { protocol: 'LOCAL' },
  });
  expect(Buffer.from(stored!.content!).toString()).toMatch(
    /^Received: from mx\.example\.org \(user me\)\r\n\tby mx\.example\.org with local id id1\r\n[^]*\r\nSubject: x\r\n\r\ntext\r\n$/,
  );
});

test('ends the last line', async () => {
  const ingress = ingressOfTest();
  await submitTo(ingress)({ content: Buffer.from('x') });
  expect(Buffer.from(ingress.mails[0]!.content!).toString()).toMatch(/x\r\n$/);
});

test('tells which recipients are not taken', async () => {
  const ingress = ingressOfTest();
  expect(await submitTo(ingress)({ forwardPaths: ['a@away.test', 'nonsense'] })).toMatchObject({
    result: 'accepted',
    rejected: [{ forwardPath: 'nonsense', reply: { code: 501 } }],
  });
  expect(ingress.rejections).toMatchObject([{ verb: 'RCPT', recipient: 'nonsense' }]);
});

describe('refuses, and tells it as SMTP would', () => {
  test.each<[Partial<SubmittedMail>, number, string]>([
    [{ forwardPaths: [] }, 554, 'DATA'],
    [{ forwardPaths: ['x'] }, 501, 'RCPT'],
    [{ reversePath: 'x' }, 501, 'MAIL'],
    [{ content: Buffer.from('a\nb\r\n') }, 554, 'end-of-data'],
    [{ content: Buffer.from('a\rb\r\n') }, 554, 'end-of-data'],
    [{ content: Buffer.from('a\0b\r\n') }, 554, 'end-of-data'],
    [{ content: Buffer.alloc(901 * 1024, 'x') }, 552, 'end-of-data'],
  ])('%o: %i', async (given, code, verb) => {
    const ingress = ingressOfTest();
    expect(await submitTo(ingress)(given)).toMatchObject({ result: 'rejected', reply: { code } });
    const { reversePath, forwardPaths } = { ...mail, ...given };
    expect(ingress.rejections).toMatchObject([
      { client: 'local', helo: 'me', listener: 'local', verb, reversePath, reply: { code } },
    ]);
    expect(ingress.rejections[0]?.recipient).toBe(verb === 'RCPT' ? forwardPaths[0] : undefined);
    expect(ingress.counts.rejected).toBe(1);
  });

  test.each([
    ['full', 452],
    ['away', 451],
  ] as const)('a spool that is %s: %i', async (room, code) => {
    const ingress = ingressOfTest();
    const writer = { ...ingress.writer, room: () => room };
    expect(await submitTo({ ...ingress, writer })({})).toMatchObject({ reply: { code } });
    expect(ingress.rejections).toMatchObject([{ verb: 'MAIL', reply: { code } }]);
  });

  test('what can not be written', async () => {
    const ingress = ingressOfTest();
    const commit = () => Promise.resolve({ result: 'unknown', text: '' } as const);
    const answer = await submitTo({ ...ingress, writer: { ...ingress.writer, commit } })({});
    expect(answer).toMatchObject({ result: 'rejected', reply: { code: 451 } });
    expect(ingress.rejections).toMatchObject([{ verb: 'end-of-data', reply: { code: 451 } }]);
  });
});
