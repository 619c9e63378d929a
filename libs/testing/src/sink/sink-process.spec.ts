import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sendLoad } from '../load/load.js';
import { waitFor } from '../wait-for.js';
import { sinkProgram, startSinkProcess } from './sink-process.js';

test('a sink as a process of its own counts, reports and behaves', async () => {
  // It runs from the build: `npm test` makes it first.
  expect(existsSync(sinkProgram), `${sinkProgram} is missing: npm run build`).toBe(true);
  const sink = await startSinkProcess({ rules: { '*': [{ at: 'rcpt', reply: '550 5.1.1 No', times: 1 }] } });
  const { port } = sink;
  try {
    const first = await sendLoad({ port, count: 20, sessions: 3 });
    expect(first.refused.size).toBe(1);
    await waitFor(() => sink.count() === 19, 2000, 'the count');
    sink.behave({ '*': [{ at: 'dot', reply: '554 5.6.0 No' }] });
    expect((await sendLoad({ port, count: 3, markerPrefix: 'later-' })).refused.size).toBe(3);
    const report = await sink.report();
    expect(report).toMatchObject({ mails: 19, recipients: 19, duplicates: {}, violations: [] });
    expect(Object.keys(report.received).sort()).toEqual([...first.accepted.keys()].sort());
    await expect(startSinkProcess({ port })).rejects.toThrow('EADDRINUSE');
  } finally {
    await sink.stop();
  }
});
