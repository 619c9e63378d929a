import type { Logger } from '@postrider/runtime';
import { expect, test } from 'vitest';
import { silent, startRig, turns } from '../rig/rig.js';

function recordingLog(): { readonly log: Logger; readonly lines: (readonly [object, string])[] } {
  const lines: (readonly [object, string])[] = [];
  const log: Logger = { ...silent, info: (facts, text) => lines.push([facts, text]), child: () => log };
  return { log, lines };
}

test("a line for each outcome of an attempt, with the mail's id", async () => {
  const { log, lines } = recordingLog();
  const rig = await startRig({ log });
  rig.worker.answer = () => 'temporary';
  const id = await rig.accept();
  expect(lines).toMatchObject([
    [{ mail: id, to: 'to@a.test', attempt: 1, until: expect.stringMatching(/Z$/) as string }, 'deferred'],
  ]);
  rig.worker.answer = () => 'delivered';
  await rig.pass(360_000);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject([{ mail: id, to: 'to@a.test', attempt: 2 }, 'delivered']);
});

test('a failure is told beside its DSN, many recipients by their number', async () => {
  const { log, lines } = recordingLog();
  const rig = await startRig({ log });
  rig.worker.answer = (job) => (job.envelope.reversePath === '' ? 'delivered' : 'permanent');
  const recipients = Array.from({ length: 30 }, (_, n) => ({ forwardPath: `to${n}@a.test` }));
  const id = await rig.accept({ recipients });
  await turns();
  const failed = lines.filter(([, text]) => text === 'failed');
  expect(failed).toMatchObject([[{ mail: id, recipients: 30, says: '550 5.1.1 No such user' }, 'failed']]);
  expect((failed[0]?.[0] as { to: unknown[] }).to).toHaveLength(20);
  expect(lines.filter(([, text]) => text === 'delivered')).toHaveLength(1);
});
