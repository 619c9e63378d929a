import { manualClock } from '@postrider/actor';
import { memoryBus } from '@postrider/bus';
import { dnsResolver, type LocateAnswer } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { Locator } from './locator.js';

async function locatorWith(answer: (domain: string) => LocateAnswer | Promise<LocateAnswer>) {
  const bus = memoryBus();
  const asked: string[] = [];
  await bus.host(dnsResolver, () => ({
    handlers: {
      locate: async ({ domain }) => {
        asked.push(domain);
        await Promise.resolve();
        return answer(domain);
      },
      resolve: ({ host }) => answer(host),
      reverse: () => ({ result: 'none' }),
    },
  }));
  const clock = manualClock();
  return { locator: new Locator(bus, clock), asked, clock };
}

const question = (domain: string) => ({ ask: 'locate' as const, domain });

test('questions about one name that come together are one, and the answer is kept for its ttl', async () => {
  const { locator, asked, clock } = await locatorWith(() => ({ result: 'null-mx', ttl: 60_000 }));
  await Promise.all(Array.from({ length: 50 }, () => locator.ask(question('a.test'))));
  await locator.ask(question('a.test'));
  expect(asked).toEqual(['a.test']);
  await clock.advance(60_001);
  await locator.ask(question('a.test'));
  expect(asked).toHaveLength(2);
});

test('a temporary answer is not kept', async () => {
  const { locator, asked } = await locatorWith(() => ({ result: 'temporary', text: 'SERVFAIL' }));
  await locator.ask(question('a.test'));
  await locator.ask(question('a.test'));
  expect(asked).toHaveLength(2);
});

test('without a resolver the answer is temporary and says why', async () => {
  const clock = manualClock();
  const answer = new Locator(memoryBus(), clock).ask(question('a.test'));
  await clock.advance(31_000);
  expect(await answer).toMatchObject({ result: 'temporary' });
});

test('one that does not answer may have died: another is asked beside it', async () => {
  const answers: ((answer: LocateAnswer) => void)[] = [];
  const { locator, clock } = await locatorWith(() => new Promise((resolve) => answers.push(resolve)));
  const answer = locator.ask(question('a.test'));
  await clock.advance(4_900);
  expect(answers).toHaveLength(1);
  await clock.advance(200);
  expect(answers).toHaveLength(2);
  answers[1]?.({ result: 'null-mx', ttl: 60_000 });
  expect(await answer).toEqual({ result: 'null-mx', ttl: 60_000 });
  answers[0]?.({ result: 'temporary', text: 'too late' });
  expect(await locator.ask(question('a.test'))).toEqual({ result: 'null-mx', ttl: 60_000 });
});

test('a resolver that is just started again is waited for', async () => {
  const bus = memoryBus();
  const clock = manualClock();
  const answer = new Locator(bus, clock).ask(question('a.test'));
  await clock.advance(5_000);
  await bus.host(dnsResolver, () => ({
    handlers: {
      locate: () => ({ result: 'null-mx', ttl: 60_000 }),
      resolve: () => ({ result: 'temporary', text: 'not asked for' }),
      reverse: () => ({ result: 'none' }),
    },
  }));
  await clock.advance(1_000);
  expect(await answer).toMatchObject({ result: 'null-mx' });
});
