import { afterEach, expect, test } from 'vitest';
import { ChildUnderTest } from './child-under-test.js';

const node = (program: string, readyWhen = /ready/): ChildUnderTest =>
  new ChildUnderTest({ command: process.execPath, args: ['-e', program], readyWhen });

let child: ChildUnderTest | undefined;
afterEach(async () => child?.kill());

const patient = `process.on('SIGTERM', () => { console.log('bye'); process.exit(3); });
  console.log('ready ' + process.pid); setInterval(() => {}, 1000);`;

test('starts, is killed, starts again as another process', async () => {
  child = node(patient);
  await child.start();
  const first = child.pid;
  expect(child.output).toContain(`ready ${first}`);
  await expect(child.start()).rejects.toThrow('runs already');
  await child.restart();
  expect(child.pid).not.toBe(first);
  await child.kill();
  expect(child.pid).toBeUndefined();
  expect(await child.ended()).toEqual({ code: null, signal: 'SIGKILL' });
});

test('stops as asked, and says how', async () => {
  child = node(patient);
  await child.start();
  expect(await child.stop()).toEqual({ code: 3, signal: null });
  expect(child.output).toContain('bye');
  expect(await child.stop()).toEqual({ code: 3, signal: null });
});

test('ended for good it starts no more', async () => {
  child = node(patient);
  await child.start();
  await child.end();
  expect(child.running).toBe(false);
  await expect(child.start()).rejects.toThrow('ended for good');
});

test('one that does not stop is killed, and it is said', async () => {
  child = node(`process.on('SIGTERM', () => {}); console.log('ready'); setInterval(() => {}, 1000);`);
  await child.start();
  await expect(child.stop(100)).rejects.toThrow('in vain for the end of');
  expect(child.running).toBe(false);
});

test('one that ends too early says what it printed', async () => {
  child = node(`console.error('no port'); process.exit(1);`);
  await expect(child.start()).rejects.toThrow(/ended before it was ready:\nno port/);
  await expect(new ChildUnderTest({ command: '/no/such/program', readyWhen: /x/ }).start()).rejects.toThrow(
    'ENOENT',
  );
});

test('waits for what it prints', async () => {
  child = node(
    `console.log('ready'); setTimeout(() => console.log('port 25'), 50); setInterval(() => {}, 1000);`,
  );
  await child.start();
  expect((await child.printed(/port (\d+)/))[1]).toBe('25');
  await expect(child.printed(/never/, 50)).rejects.toThrow('ready\nport 25');
});
