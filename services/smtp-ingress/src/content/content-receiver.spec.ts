import fc from 'fast-check';
import { reply } from '@postrider/smtp';
import { expect, test } from 'vitest';
import { noPlace } from './admission.js';
import { ContentBudget } from './content-budget.js';
import {
  ContentReceiver,
  type ContentOptions,
  type ContentProblem,
  type StoredContent,
} from './content-receiver.js';

interface Store {
  readonly chunks: Buffer[];
  abandoned: boolean;
}

function receiver(options: Partial<ContentOptions> = {}): {
  content: ContentReceiver;
  budget: ContentBudget;
  store: Store;
} {
  const store: Store = { chunks: [], abandoned: false };
  const budget = new ContentBudget(10_000);
  const content = new ContentReceiver({
    id: 'ID',
    traceField: 'Received: x\r\n',
    limits: { message_size: 1_000_000, received_headers: 10, text_line: 0 },
    heldInOctets: 1000,
    budget,
    place: noPlace,
    beginLarge: () => ({
      shard: '7',
      gathersInOctets: 64 * 1024,
      write: (chunk) => Promise.resolve(void store.chunks.push(Buffer.from(chunk))),
      finish: () => Promise.resolve({ chunks: 1, octets: 1, sha256: '', contentId: 'ID' }),
      abandon: () => Promise.resolve(void (store.abandoned = true)),
    }),
    ...options,
  });
  return { content, budget, store };
}

/** With the pieces of what is held in memory put together. */
const whole = (stored: StoredContent | ContentProblem) =>
  'content' in stored ? { ...stored, content: Buffer.concat(stored.content) } : stored;

test('small content is held until it is released', async () => {
  const { content, budget } = receiver();
  expect(content.scan(Buffer.from('abc\r\n.\r\nQUIT'))).toBe(8);
  expect(budget.used).toBe(5);
  expect(whole(await content.finish())).toEqual({
    place: 'memory',
    content: Buffer.from('Received: x\r\nabc\r\n'),
  });
  expect(content.sizeInOctets).toBe(18);
  expect(budget.used).toBe(5);
  content.release();
  content.release();
  expect(budget.used).toBe(0);
});

test('over its share it goes to the spool', async () => {
  const { content, budget, store } = receiver();
  content.scan(Buffer.from('x'.repeat(1001)));
  expect(budget.used).toBe(0);
  content.scan(Buffer.from('\r\n.\r\n'));
  expect(await content.finish()).toMatchObject({ place: 'spool', shard: '7' });
  expect(Buffer.concat(store.chunks).toString()).toBe(`Received: x\r\n${'x'.repeat(1001)}\r\n`);
});

test('without room in the process it goes to the spool, however small', async () => {
  const budget = new ContentBudget(3);
  const { content, store } = receiver({ budget });
  content.scan(Buffer.from('abcd\r\n.\r\n'));
  expect(budget.used).toBe(0);
  expect(await content.finish()).toMatchObject({ place: 'spool' });
  expect(Buffer.concat(store.chunks).toString()).toBe('Received: x\r\nabcd\r\n');
});

test.each([
  ['a\nb\r\n.\r\n', 'bare-lf'],
  ['a\rb\r\n.\r\n', 'bare-cr'],
  ['a\0b\r\n.\r\n', 'nul'],
  [`${'x'.repeat(2000)}\r\n.\r\n`, 'too-large'],
  [`${'Received: x\r\n'.repeat(11)}\r\n.\r\n`, 'loop'],
])('%#: refused, and nothing is held', async (data, problem) => {
  const { content, budget } = receiver({
    limits: { message_size: 1500, received_headers: 10, text_line: 0 },
  });
  content.scan(Buffer.from(data));
  expect(await content.finish()).toEqual({ problem });
  expect(budget.used).toBe(0);
});

test('what is too large is purged from the spool, if it was there already', async () => {
  const { content, store } = receiver({ limits: { message_size: 1500, received_headers: 10, text_line: 0 } });
  content.scan(Buffer.alloc(1200, 'x'));
  expect(store.abandoned).toBe(false);
  content.scan(Buffer.alloc(1200, 'x'));
  expect(store.abandoned).toBe(true);
  content.scan(Buffer.from('\r\n.\r\n'));
  expect(await content.finish()).toEqual({ problem: 'too-large' });
});

const completing = (added: ReturnType<NonNullable<ContentOptions['complete']>>) => {
  const beginnings: string[] = [];
  const complete = (beginning: Buffer): typeof added => {
    beginnings.push(beginning.toString());
    return added;
  };
  return { ...receiver({ complete }), beginnings };
};

test('what is missing stands under the trace field, and counts', async () => {
  const { content, beginnings } = completing('Date: x\r\n');
  content.scan(Buffer.from('abc\r\n.\r\n'));
  const expected = Buffer.from('Received: x\r\nDate: x\r\nabc\r\n');
  expect(whole(await content.finish())).toEqual({ place: 'memory', content: expected });
  expect(content.sizeInOctets).toBe(expected.length);
  expect(beginnings).toEqual(['abc\r\n']);
});

test('a large content is completed once, before any of it is written', async () => {
  const { content, store, beginnings } = completing('Date: x\r\n');
  for (let n = 0; n < 3; n++) {
    content.scan(Buffer.alloc(70_000, 'x'));
    await content.settle();
  }
  content.scan(Buffer.from('\r\n.\r\n'));
  expect(await content.finish()).toMatchObject({ place: 'spool' });
  expect(Buffer.concat(store.chunks).toString()).toBe(`Received: x\r\nDate: x\r\n${'x'.repeat(210_000)}\r\n`);
  expect(beginnings).toHaveLength(1);
});

test.each([10, 70_000])('what its beginning refuses is not kept, %i octets', async (octets) => {
  const refusal = reply(550, '5.7.1', 'No');
  const { content, budget, store } = completing(refusal);
  content.scan(Buffer.alloc(octets, 'x'));
  await content.settle();
  content.scan(Buffer.from('\r\n.\r\n'));
  expect(await content.finish()).toEqual({ problem: 'policy', reply: refusal });
  expect(budget.used).toBe(0);
  expect(store.chunks).toEqual([]);
});

test('what is abandoned while the spool takes it is written no further', async () => {
  let go: (() => void) | undefined;
  const { content, store } = receiver({
    beginLarge: () => ({
      shard: '0',
      gathersInOctets: 64 * 1024,
      write: (chunk) => {
        store.chunks.push(Buffer.from(chunk));
        return new Promise((resolve) => (go = resolve));
      },
      finish: () => Promise.reject(new Error('not reached')),
      abandon: () => Promise.resolve(),
    }),
  });
  content.scan(Buffer.alloc(70_000, 'x'));
  content.scan(Buffer.alloc(70_000, 'y'));
  const settled = content.settle();
  content.abandon();
  go?.();
  await settled;
  expect(store.chunks).toHaveLength(1);
});

test('however it is cut, the content is what was sent', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3000), { maxLength: 30 }), fc.nat(5000), async (cuts, held) => {
      const data = Buffer.from(`${'some text\r\n..\r\n'.repeat(400)}.\r\n`);
      const { content, store } = receiver({ heldInOctets: held });
      let from = 0;
      for (const cut of cuts) {
        content.scan(data.subarray(from, from + cut));
        await content.settle();
        from = Math.min(from + cut, data.length);
      }
      if (from < data.length) content.scan(data.subarray(from));
      const stored = whole(await content.finish());
      const octets = 'content' in stored ? stored.content : Buffer.concat(store.chunks);
      expect(octets.toString()).toBe(`Received: x\r\n${'some text\r\n.\r\n'.repeat(400)}`);
    }),
    { numRuns: 100 },
  );
});
