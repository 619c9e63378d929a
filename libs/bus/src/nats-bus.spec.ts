import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNatsServer, type RunningServer } from '@postrider/nats-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from './bus.js';
import {
  BusAway,
  DeadlineExceeded,
  MailboxFull,
  NobodyAnswers,
  PayloadTooLarge,
  RemoteFault,
} from './errors.js';
import { connectBus } from './nats-bus.js';
import { drawer, store, storeBehaviour, type Waiters } from './store.fixture.js';

const storeDir = mkdtempSync(join(tmpdir(), 'postrider-bus-'));
let server: RunningServer;
const buses: Bus[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  server = await startNatsServer({ storeDir });
});
afterEach(async () => {
  await Promise.all(buses.splice(0).map((bus) => bus.close()));
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});
afterAll(async () => {
  await server.stop();
  rmSync(storeDir, { recursive: true });
});

async function connect(): Promise<Bus> {
  const bus = await connectBus({ address: server.address, name: 'spec', version: '0.1.0' });
  buses.push(bus);
  return bus;
}

/** Two connections stand for two processes. */
const twoProcesses = (): Promise<[Bus, Bus]> => Promise.all([connect(), connect()]);

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

const otherProcess = async (
  ...args: string[]
): Promise<{ readonly child: ChildProcess; readonly instance: string }> => {
  // The build: a process of its own reads no TypeScript.
  const path = fileURLToPath(new URL('../dist/other-process.fixture.js', import.meta.url));
  const child = fork(path, [server.address.servers[0]!, ...args], { execArgv: [] });
  children.push(child);
  const [instance] = (await once(child, 'message')) as [string];
  return { child, instance };
};

describe('an actor elsewhere', () => {
  it('answers, and hears who asks', async () => {
    const [here, there] = await twoProcesses();
    await there.host(store, storeBehaviour('there'));
    const answer = await here.ref(store).ask('who', {}, { trace: ' t-1' });
    expect(answer).toEqual({ name: 'there', asker: `${here.instance} t-1` });
  });

  it('in a process of its own answers', async () => {
    const here = await connect();
    const { child, instance } = await otherProcess();
    expect(await here.ref(store).ask('who', {})).toEqual({
      name: `process ${child.pid}`,
      asker: here.instance,
    });
    expect(instance).toContain(`-${child.pid}-`);
  });

  it('in a process that was killed: first no answer, then nobody, then the next one', async () => {
    const here = await connect();
    const { child } = await otherProcess('left');
    const ref = here.ref(drawer, 'left');
    expect(await ref.ask('who', {})).toMatchObject({ name: `process ${child.pid}` });
    const asked = ref.ask('wait', {}, { deadline: 500 });
    // It must have been taken: one that is killed before has nobody to answer at once.
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.kill('SIGKILL');
    await expect(asked).rejects.toBeInstanceOf(DeadlineExceeded);
    await expect(ref.ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
    await here.host(drawer, storeBehaviour('here'), { key: 'left' });
    expect(await ref.ask('who', {})).toMatchObject({ name: 'here' });
  });

  it('that moved is found where it is now', async () => {
    const [here, there] = await twoProcesses();
    const asker = await connect();
    const ref = asker.ref(drawer, 'k1');
    const first = await here.host(drawer, storeBehaviour('here'), { key: 'k1' });
    expect(await ref.ask('who', {})).toMatchObject({ name: 'here' });
    await first.stop();
    await expect(ref.ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
    await there.host(drawer, storeBehaviour('there'), { key: 'k1' });
    expect(await ref.ask('who', {})).toMatchObject({ name: 'there' });
    expect(await here.ref(drawer, 'k1').ask('who', {})).toMatchObject({ name: 'there' });
  });

  it('is told notices', async () => {
    const [here, there] = await twoProcesses();
    await there.host(drawer, storeBehaviour('there'), { key: 'k1' });
    const ref = here.ref(drawer, 'k1');
    ref.tell('note', { sequence: 7 });
    ref.tell('note', undefined);
    await until(async () => (await ref.ask('count', {})).notes.length === 2);
    expect(await ref.ask('count', {})).toEqual({ notes: [{ sequence: 7 }, undefined] });
  });

  it.each([0, 1, 255, 70_000, 900_000])('gets and gives %d octets of binary content', async (size) => {
    const [here, there] = await twoProcesses();
    await there.host(store, storeBehaviour('there'));
    const octets = Uint8Array.from({ length: size }, (_, i) => (i * 7) % 256);
    const answer = await here.ref(store).ask('put', { octets });
    expect(Buffer.isBuffer(answer.octets)).toBe(true);
    expect(Buffer.compare(Buffer.from(octets), Buffer.from(answer.octets))).toBe(0);
  });
});

describe('an actor in this process', () => {
  it('is called without NATS: payloads are the very same', async () => {
    const [here, there] = await twoProcesses();
    await there.host(store, storeBehaviour('there'));
    await here.host(store, storeBehaviour('here'));
    const octets = new Uint8Array(3);
    for (let i = 0; i < 20; i++) expect((await here.ref(store).ask('put', { octets })).octets).toBe(octets);
    expect(await here.ref(store).ask('who', {})).toEqual({ name: 'here', asker: here.instance });
  });

  it('has its deadline, its mailbox and its faults too', async () => {
    const here = await connect();
    const waiters: Waiters = [];
    await here.host(store, storeBehaviour('here', waiters), { mailbox: 1 });
    const ref = here.ref(store);
    const late = ref.ask('wait', {}, { deadline: 50 });
    const waiting = ref.ask('who', {});
    await expect(ref.ask('who', {})).rejects.toBeInstanceOf(MailboxFull);
    await expect(late).rejects.toBeInstanceOf(DeadlineExceeded);
    waiters[0]!('on');
    expect(await waiting).toMatchObject({ name: 'here' });
    await expect(ref.ask('fail', { text: 'broken' })).rejects.toThrow(RemoteFault);
  });

  it('can be hosted once only', async () => {
    const here = await connect();
    await here.host(drawer, storeBehaviour('here'), { key: 'k1' });
    await expect(here.host(drawer, storeBehaviour('again'), { key: 'k1' })).rejects.toThrow(
      'mta.v1.drawer.k1 is hosted in this process already',
    );
  });

  it('whose factory throws is not hosted', async () => {
    const here = await connect();
    const broken = (): never => {
      throw new Error('no table');
    };
    await expect(here.host(store, broken)).rejects.toThrow('no table');
    await expect(here.ref(store).ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
    await here.host(store, storeBehaviour('here'));
    expect(await here.ref(store).ask('who', {})).toMatchObject({ name: 'here' });
  });

  it('that ends by its own will is no longer found, here and elsewhere', async () => {
    const [here, there] = await twoProcesses();
    await there.host(drawer, storeBehaviour('there'), { key: 'k1' });
    await expect(here.ref(drawer, 'k1').ask('fail', { text: 'stop' })).rejects.toThrow('stop');
    await until(
      async () =>
        (await here
          .ref(drawer, 'k1')
          .ask('who', {})
          .catch((e: unknown) => e)) instanceof NobodyAnswers,
    );
    await expect(there.ref(drawer, 'k1').ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
  });
});

describe('an ask without an answer', () => {
  it('says that the deadline has passed, and drops what comes late', async () => {
    const [here, there] = await twoProcesses();
    const waiters: Waiters = [];
    await there.host(store, storeBehaviour('there', waiters));
    const asked = here.ref(store).ask('wait', {}, { deadline: 60 });
    await expect(asked).rejects.toMatchObject({
      unknown: true,
      message: 'mta.v1.store.wait: no answer within 60 ms',
    });
    waiters[0]!('late');
    expect(await here.ref(store).ask('who', {})).toMatchObject({ name: 'there' });
  });

  it('says that nobody is there', async () => {
    const here = await connect();
    const asked = here.ref(drawer, 'nowhere').ask('who', {});
    await expect(asked).rejects.toMatchObject({
      unknown: false,
      message: 'nobody answers mta.v1.drawer.nowhere.who',
    });
    await expect(asked).rejects.toBeInstanceOf(NobodyAnswers);
  });

  it('says that the mailbox is full, and loses nothing of the rest', async () => {
    const [here, there] = await twoProcesses();
    const waiters: Waiters = [];
    await there.host(store, storeBehaviour('there', waiters), { mailbox: 2 });
    const ref = here.ref(store);
    const asked = [ref.ask('wait', {}), ref.ask('who', {}), ref.ask('who', {}), ref.ask('who', {})];
    await expect(asked[3]).rejects.toBeInstanceOf(MailboxFull);
    await expect(asked[3]).rejects.toMatchObject({ unknown: false });
    waiters[0]!('on');
    expect(await Promise.all(asked.slice(0, 3))).toHaveLength(3);
  });

  it('says what the handler threw', async () => {
    const [here, there] = await twoProcesses();
    await there.host(store, storeBehaviour('there'));
    const asked = here.ref(store).ask('fail', { text: 'table is locked' });
    await expect(asked).rejects.toBeInstanceOf(RemoteFault);
    await expect(asked).rejects.toMatchObject({ unknown: true, message: 'table is locked' });
  });

  it('says that it is too large, here and there', async () => {
    const [here, there] = await twoProcesses();
    await there.host(store, storeBehaviour('there'));
    const asked = here.ref(store).ask('put', { octets: new Uint8Array(here.maxPayloadInOctets) });
    await expect(asked).rejects.toBeInstanceOf(PayloadTooLarge);
    await expect(asked).rejects.toThrow(
      /^mta\.v1\.store\.put has \d+ octets, over the server's max_payload of 1048576$/,
    );
    const answer = here.ref(store).ask('large', { octets: 2_000_000 });
    await expect(answer).rejects.toThrow(/^the answer has 20\d+ octets, over 1048576$/);
    expect(await here.ref(store).ask('who', {})).toMatchObject({ name: 'there' });
  });
});

describe('a pool', () => {
  it('shares messages among its members; a paused one gets none', async () => {
    const [one, two] = await twoProcesses();
    const asker = await connect();
    const first = await one.host(store, storeBehaviour('one'));
    await two.host(store, storeBehaviour('two'));
    const names = async (): Promise<Set<string>> => {
      const answers = await Promise.all(Array.from({ length: 60 }, () => asker.ref(store).ask('who', {})));
      return new Set(answers.map(({ name }) => name));
    };
    expect(await names()).toEqual(new Set(['one', 'two']));
    first.pause();
    first.pause();
    await until(async () => (await names()).size === 1);
    expect(await names()).toEqual(new Set(['two']));
    // Not by the short cut either.
    expect(await one.ref(store).ask('who', {})).toMatchObject({ name: 'two' });
    first.resume();
    expect(await one.ref(store).ask('who', {})).toMatchObject({ name: 'one' });
    await until(async () => (await names()).size === 2);
  });

  it('loses no message when a member leaves', async () => {
    const [one, two] = await twoProcesses();
    const asker = await connect();
    const first = await one.host(store, storeBehaviour('one'));
    await two.host(store, storeBehaviour('two'));
    const asked = Array.from({ length: 500 }, () => asker.ref(store).ask('who', {}));
    await first.stop();
    expect(await Promise.all(asked)).toHaveLength(500);
  });

  it('without members that take messages answers nobody', async () => {
    const [one, asker] = await twoProcesses();
    const only = await one.host(store, storeBehaviour('one'));
    only.pause();
    await until(
      async () =>
        (await asker
          .ref(store)
          .ask('who', {})
          .catch((e: unknown) => e)) instanceof NobodyAnswers,
    );
    await expect(one.ref(store).ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
  });
});

describe('a server that dies', () => {
  it('is noticed, and everything works again when it is back', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'postrider-bus-'));
    let mortal = await startNatsServer({ storeDir: dir });
    const changes: boolean[] = [];
    try {
      const options = { address: mortal.address, version: '0.1.0' };
      const here = await connectBus({ ...options, name: 'here' });
      const there = await connectBus({ ...options, name: 'there' });
      buses.push(here, there);
      here.onConnection((connected) => changes.push(connected));
      await there.host(store, storeBehaviour('there'));
      const left = await there.host(drawer, storeBehaviour('there'), { key: 'k1' });
      const asked = here.ref(store).ask('wait', {}, { deadline: 400 });
      mortal.kill();
      await mortal.exited;
      await until(() => !here.connected && !there.connected);
      await expect(here.ref(store).ask('who', {})).rejects.toBeInstanceOf(BusAway);
      await expect(asked).rejects.toBeInstanceOf(DeadlineExceeded);
      // Events are dropped, notices too, and what is hosted can be let go; nothing throws or hangs.
      here.publishEvent('dns-resolver', 'located', {
        domain: 'a.test',
        result: 'temporary',
        exchangers: [],
        ms: 1,
      });
      here.ref(store).tell('note', {});
      await left.stop();
      mortal = await startNatsServer({ storeDir: dir, port: mortal.port });
      await until(() => here.connected && there.connected);
      await until(async () =>
        (await here
          .ref(store)
          .ask('who', {})
          .catch(() => undefined)) === undefined
          ? false
          : true,
      );
      expect(await here.ref(store).ask('count', {})).toEqual({ notes: [] });
      await expect(here.ref(drawer, 'k1').ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
      expect(changes).toEqual([false, true]);
    } finally {
      await mortal.stop();
      rmSync(dir, { recursive: true });
    }
  });

  it('does not keep a bus from closing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'postrider-bus-'));
    const mortal = await startNatsServer({ storeDir: dir });
    const here = await connectBus({ address: mortal.address, name: 'here', version: '0.1.0' });
    await here.host(store, storeBehaviour('here'));
    mortal.kill();
    await mortal.exited;
    await here.close();
    await expect(here.ref(drawer, 'k1').ask('who', {})).rejects.toBeInstanceOf(BusAway);
    rmSync(dir, { recursive: true });
  });
});

describe('close', () => {
  it('lets what is under way end, then is away', async () => {
    const here = await connect();
    const there = await connectBus({ address: server.address, name: 'spec', version: '0.1.0' });
    const waiters: Waiters = [];
    await there.host(store, storeBehaviour('there', waiters));
    const asked = here.ref(store).ask('wait', {});
    await until(() => waiters.length === 1);
    const closing = there.close();
    waiters[0]!('done');
    expect(await asked).toBe('done');
    await closing;
    expect(there.connected).toBe(false);
    there.publishEvent('dns-resolver', 'located', {
      domain: 'a.test',
      result: 'temporary',
      exchangers: [],
      ms: 1,
    });
    there.publishStatus('dns-resolver', {});
  });
});
