import { describe, expect, it } from 'vitest';
import type { ActorContext, Behaviour, Supervision } from './behaviour.js';
import { manualClock } from './manual-clock.js';
import { defineProtocol, notice, request } from './protocol.js';
import { Refused } from './refused.js';
import { startActor, type ActorOptions } from './running-actor.js';

const from = { instance: 'test-1' };
const counter = defineProtocol('counter', 'pool', {
  add: request<number, number>({ deadline: 1000 }),
  wait: request<string, string>({ deadline: 1000 }),
  peek: request<string, string>({ deadline: 1000, concurrent: true }),
  poke: notice<number>(),
});
type CounterMessages = (typeof counter)['messages'];

/** A counter that notes what happens to it, throws at negative numbers, and waits until it is let go on. */
function watchedCounter() {
  const log: string[] = [];
  const gates = new Map<string, () => void>();
  let lives = 0;
  let last: ActorContext | undefined;
  const gate = (name: string): Promise<string> =>
    new Promise((resolve) => gates.set(name, () => resolve(`${name} done`)));
  const behaviour: Behaviour<CounterMessages> = (context) => {
    const life = ++lives;
    last = context;
    let sum = 0;
    log.push(`start ${life}`);
    return {
      handlers: {
        add: (number) => {
          if (number < 0) throw new Error(`no ${number}`);
          log.push(`add ${number}`);
          return (sum += number);
        },
        wait: (name) => {
          log.push(`wait ${name}`);
          return gate(name);
        },
        peek: (name) => {
          log.push(`peek ${name}`);
          return gate(name);
        },
        poke: (number) => {
          if (number < 0) throw new Error(`no ${number}`);
        },
      },
      stopped: () => void log.push(`stopped ${life}`),
    };
  };
  return { behaviour, log, open: (name: string) => gates.get(name)!(), context: () => last! };
}

function started(options: ActorOptions = {}) {
  const watched = watchedCounter();
  const clock = manualClock();
  const escalated: unknown[] = [];
  const actor = startActor(counter.messages, watched.behaviour, {
    clock,
    escalate: (fault) => void escalated.push(fault),
    ...options,
  });
  const ask = (message: string, payload: unknown): Promise<unknown> => actor.deliver(message, payload, from);
  return { ...watched, actor, clock, escalated, ask };
}

const restarting: Supervision = { onFault: 'restart', minimum: 100, maximum: 400, restarts: 3 };

describe('a mailbox', () => {
  it('answers, at once where the handler does', () => {
    const { actor } = started();
    const answers: unknown[] = [];
    const done = (fault: unknown, answer: unknown): void => void answers.push(fault ?? answer);
    actor.take({ message: 'add', payload: 2, from, done });
    actor.take({ message: 'add', payload: 3, from, done });
    expect(answers).toEqual([2, 5]);
  });

  it('gives one message at a time, in order', async () => {
    const { ask, log, open } = started();
    const answers = [ask('wait', 'a'), ask('add', 1), ask('wait', 'b'), ask('add', 2)];
    expect(log).toEqual(['start 1', 'wait a']);
    open('a');
    await answers[1];
    expect(log).toEqual(['start 1', 'wait a', 'add 1', 'wait b']);
    open('b');
    expect(await Promise.all(answers)).toEqual(['a done', 1, 'b done', 3]);
  });

  it('answers in the order of the messages', async () => {
    const { actor, open } = started();
    const order: unknown[] = [];
    for (const [message, payload] of [
      ['wait', 'a'],
      ['add', 1],
      ['add', 1],
    ] as const)
      actor.take({ message, payload, from, done: (_, answer) => void order.push(answer) });
    open('a');
    await Promise.resolve();
    expect(order).toEqual(['a done', 1, 2]);
  });

  it('lets concurrent messages pass those that wait', async () => {
    const { ask, log, open } = started();
    const answers = [ask('wait', 'a'), ask('add', 1), ask('peek', 'p'), ask('peek', 'q')];
    expect(log).toEqual(['start 1', 'wait a', 'peek p', 'peek q']);
    open('q');
    expect(await answers[3]).toBe('q done');
    open('p');
    open('a');
    expect(await Promise.all(answers)).toEqual(['a done', 1, 'p done', 'q done']);
  });

  it('refuses what does not fit, and loses nothing of the rest', async () => {
    const { ask, open, actor } = started({ mailbox: 2 });
    const kept = [ask('wait', 'a'), ask('add', 1), ask('add', 1)];
    await expect(ask('add', 1)).rejects.toMatchObject({ reason: 'mailbox full' });
    expect(actor.waiting).toBe(2);
    open('a');
    expect(await Promise.all(kept)).toEqual(['a done', 1, 2]);
    expect(await ask('add', 1)).toBe(3);
  });

  it('bounds concurrent messages under way', async () => {
    const { ask, open } = started({ mailbox: 2 });
    const kept = [ask('peek', 'a'), ask('peek', 'b')];
    await expect(ask('peek', 'c')).rejects.toMatchObject({ reason: 'mailbox full' });
    open('a');
    open('b');
    expect(await Promise.all(kept)).toEqual(['a done', 'b done']);
  });

  it('handles a large full mailbox without filling the stack', async () => {
    const { ask, open } = started({ mailbox: 20_000 });
    const first = ask('wait', 'a');
    const rest = Array.from({ length: 20_000 }, () => ask('add', 1));
    open('a');
    await first;
    expect(await rest.at(-1)).toBe(20_000);
  });

  it('knows only the messages of its protocol', async () => {
    const { ask } = started();
    await expect(ask('toString', {})).rejects.toMatchObject({ reason: 'unknown message' });
    await expect(ask('subtract', 1)).rejects.toBeInstanceOf(Refused);
  });
});

describe('a handler that throws', () => {
  it('gives the fault to the asker; under resume the state stays', async () => {
    const { ask, log, escalated } = started();
    await ask('add', 5);
    await expect(ask('add', -1)).rejects.toThrow('no -1');
    expect(await ask('add', 1)).toBe(6);
    expect(log.filter((line) => line.startsWith('start'))).toEqual(['start 1']);
    expect(escalated).toEqual([]);
  });

  it('is told to whoever keeps the log, a notice too', async () => {
    const faults: string[] = [];
    const { ask } = started({ onFault: ({ message }, about) => void faults.push(`${about}: ${message}`) });
    await expect(ask('poke', -3)).rejects.toThrow();
    expect(faults).toEqual(['poke: no -3']);
  });

  it('is restarted with fresh state; what waits is kept', async () => {
    const { ask, log, clock, actor } = started({ supervision: restarting });
    await ask('add', 5);
    await expect(ask('add', -1)).rejects.toThrow('no -1');
    const kept = [ask('add', 1), ask('add', 2)];
    expect(actor.waiting).toBe(2);
    await clock.advance(99);
    expect(log).toEqual(['start 1', 'add 5', 'stopped 1']);
    await clock.advance(1);
    expect(await Promise.all(kept)).toEqual([1, 3]);
    expect(log).toEqual(['start 1', 'add 5', 'stopped 1', 'start 2', 'add 1', 'add 2']);
  });

  it('is restarted after longer and longer pauses, then escalated', async () => {
    const { ask, log, clock, escalated } = started({ supervision: { ...restarting, restarts: 4 } });
    const lives = (): number => log.filter((line) => line.startsWith('start')).length;
    for (const [pause, restart] of [
      [100, 1],
      [200, 2],
      [400, 3],
      [400, 4],
    ] as const) {
      await expect(ask('add', -1)).rejects.toThrow();
      await clock.advance(pause - 1);
      expect(lives()).toBe(restart);
      await clock.advance(1);
      expect(lives()).toBe(restart + 1);
    }
    await expect(ask('add', -7)).rejects.toThrow();
    expect(escalated).toEqual([new Error('no -7')]);
    await expect(ask('add', 1)).rejects.toMatchObject({ reason: 'stopped' });
  });

  it('is not escalated for faults that are far between', async () => {
    const { ask, clock, escalated } = started({ supervision: { ...restarting, restarts: 1 } });
    for (let round = 0; round < 5; round++) {
      await expect(ask('add', -1)).rejects.toThrow();
      await clock.advance(60_100);
    }
    expect(escalated).toEqual([]);
  });

  it('ends under stop, and what waits is refused', async () => {
    const ended: string[] = [];
    const { ask, open, log, escalated, context } = started({
      supervision: { onFault: 'stop' },
      onEnded: () => void ended.push('ended'),
    });
    const first = ask('wait', 'a');
    const waiting = ask('add', 1);
    context().fail(new Error('a broken wire'));
    await expect(waiting).rejects.toMatchObject({ reason: 'stopped' });
    open('a');
    expect(await first).toBe('a done');
    expect(log).toEqual(['start 1', 'wait a', 'stopped 1']);
    expect(ended).toEqual(['ended']);
    expect(escalated).toEqual([]);
  });

  it('is escalated at once under escalate', async () => {
    const { ask, escalated, log } = started({ supervision: { onFault: 'escalate' } });
    await expect(ask('add', -1)).rejects.toThrow();
    expect(escalated).toEqual([new Error('no -1')]);
    expect(log.at(-1)).toBe('stopped 1');
  });

  it('turns what is no Error into one', async () => {
    const thrown = startActor(
      { odd: request<unknown, unknown>({ deadline: 1 }) },
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      () => ({ handlers: { odd: () => Promise.reject(undefined) } }),
    );
    await expect(thrown.deliver('odd', {}, from)).rejects.toThrow('undefined');
  });
});

describe('the context', () => {
  it('fail restarts an actor whose handler is still under way, without waiting for it', async () => {
    const { ask, open, clock, context, log } = started({ supervision: restarting });
    const first = ask('wait', 'a');
    context().fail(new Error('a broken wire'));
    const next = ask('add', 1);
    await clock.advance(100);
    expect(await next).toBe(1);
    open('a');
    expect(await first).toBe('a done');
    expect(log).toEqual(['start 1', 'wait a', 'stopped 1', 'start 2', 'add 1']);
  });

  it('of an earlier life has no say over the next', async () => {
    const { ask, clock, context, log } = started({ supervision: restarting });
    const old = context();
    old.fail(new Error('once'));
    old.fail(new Error('twice'));
    await clock.advance(1000);
    old.stop();
    old.fail(new Error('late'));
    expect(await ask('add', 1)).toBe(1);
    expect(log).toEqual(['start 1', 'stopped 1', 'start 2', 'add 1']);
  });

  it('fail under resume is escalated, for the actor has ended', () => {
    const { context, escalated, log } = started();
    context().fail(new Error('a broken wire'));
    expect(escalated).toEqual([new Error('a broken wire')]);
    expect(log).toEqual(['start 1', 'stopped 1']);
  });

  it('stop ends the actor once', async () => {
    const ended: string[] = [];
    const { context, actor, log } = started({ onEnded: () => void ended.push('ended') });
    context().stop();
    context().stop();
    await actor.stop();
    expect(log).toEqual(['start 1', 'stopped 1']);
    expect(ended).toEqual(['ended']);
  });

  it.each(['fail', 'stop'] as const)('%s while the actor is made releases what was made', async (how) => {
    const log: string[] = [];
    const actor = startActor(
      {},
      (context) => {
        context[how](new Error('not ready'));
        return { handlers: {}, stopped: () => void log.push('stopped') };
      },
      { supervision: { onFault: 'stop' } },
    );
    await actor.stop();
    expect(log).toEqual(['stopped']);
  });
});

describe('a start', () => {
  it('that throws at first is the fault of whoever starts', () => {
    const broken = (): never => {
      throw new Error('no such table');
    };
    expect(() => startActor({}, broken)).toThrow('no such table');
  });

  it('that throws again and again is escalated', async () => {
    const clock = manualClock();
    const escalated: unknown[] = [];
    let starts = 0;
    const behaviour: Behaviour<CounterMessages> = (context) => {
      if (starts++ > 0) throw new Error('no such table');
      return watchedCounter().behaviour(context);
    };
    const actor = startActor(counter.messages, behaviour, {
      clock,
      supervision: restarting,
      escalate: (fault) => void escalated.push(fault),
    });
    await expect(actor.deliver('add', -1, from)).rejects.toThrow();
    const waiting = actor.deliver('add', 1, from).catch((fault: unknown) => fault);
    await clock.advance(10_000);
    expect(starts).toBe(4);
    expect(escalated).toEqual([new Error('no such table')]);
    expect(await waiting).toMatchObject({ reason: 'stopped' });
  });

  it('waits until the life before has given back what it held', async () => {
    const clock = manualClock();
    const log: string[] = [];
    let release = (): void => undefined;
    const actor = startActor(
      { fall: notice<unknown>() },
      () => {
        log.push('start');
        return {
          handlers: {
            fall: () => {
              throw new Error('fell');
            },
          },
          stopped: () => new Promise<void>((resolve) => (release = resolve)),
        };
      },
      { clock, supervision: restarting },
    );
    await expect(actor.deliver('fall', {}, from)).rejects.toThrow('fell');
    await clock.advance(1000);
    expect(log).toEqual(['start']);
    release();
    await clock.advance(0);
    expect(log).toEqual(['start', 'start']);
  });
});

describe('stop', () => {
  it('handles what waits, takes no more, then ends', async () => {
    const { ask, open, actor, log } = started();
    const answers = [ask('wait', 'a'), ask('add', 1)];
    const stopping = actor.stop();
    await expect(ask('add', 1)).rejects.toMatchObject({ reason: 'stopped' });
    expect(log).not.toContain('stopped 1');
    open('a');
    await stopping;
    expect(await Promise.all(answers)).toEqual(['a done', 1]);
    expect(log.at(-1)).toBe('stopped 1');
  });

  it('does not wait for a restart', async () => {
    const { ask, actor, log } = started({ supervision: restarting });
    await expect(ask('add', -1)).rejects.toThrow();
    const waiting = ask('add', 1).catch((fault: unknown) => fault);
    await actor.stop();
    expect(await waiting).toMatchObject({ reason: 'stopped' });
    expect(log).toEqual(['start 1', 'stopped 1']);
  });

  it('tells whoever stops what went wrong while giving back', async () => {
    const actor = startActor({}, () => ({
      handlers: {},
      stopped: () => {
        throw new Error('still in use');
      },
    }));
    await expect(actor.stop()).rejects.toThrow('still in use');
  });
});
