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
  expect(await submitTo()({ forwardPaths: ['a@away.test', 'nonsense'] })).toMatchObject({
    result: 'accepted',
    rejected: [{ forwardPath: 'nonsense', reply: { code: 501 } }],
  });
});

describe('refuses', () => {
  test.each([
    [{ forwardPaths: [] }, 554],
    [{ forwardPaths: ['x'] }, 501],
    [{ reversePath: 'x' }, 501],
    [{ content: Buffer.from('a\nb\r\n') }, 554],
    [{ content: Buffer.from('a\rb\r\n') }, 554],
    [{ content: Buffer.from('a\0b\r\n') }, 554],
    [{ content: Buffer.alloc(901 * 1024, 'x') }, 552],
  ])('%o: %i', async (given, code) => {
    expect(await submitTo()(given)).toMatchObject({ result: 'rejected', reply: { code } });
  });
});
