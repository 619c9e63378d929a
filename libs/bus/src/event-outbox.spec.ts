import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EventOutbox } from './event-outbox.js';

/** A server that answers pings while it is there; what is published to it arrives, or not. */
function start() {
  const nats = { connected: true, answers: true, arrived: [] as string[] };
  const outbox = new EventOutbox({
    connection: {
      publish: (subject) => void nats.arrived.push(subject),
      flush: () => (nats.answers ? Promise.resolve() : Promise.reject(new Error('DISCONNECT'))),
    },
    connected: () => nats.connected,
    refused: () => undefined,
  });
  const publish = (...subjects: string[]): void =>
    subjects.forEach((subject) => outbox.publish(subject, Buffer.from('{}')));
  return { nats, outbox, publish };
}
const gathered = () => pause(40);

test('what comes while NATS is away is told in order when it is back', async () => {
  const { nats, outbox, publish } = start();
  publish('a');
  nats.connected = false;
  publish('b');
  await gathered();
  expect(nats.arrived).toEqual([]);
  nats.connected = true;
  outbox.reconnected();
  publish('c');
  await gathered();
  expect(nats.arrived).toEqual(['a', 'b', 'c']);
  expect(outbox.dropped).toBe(0);
});

test('what the server did not confirm before the connection broke is told again, and nothing else', async () => {
  const { nats, outbox, publish } = start();
  publish('a');
  await gathered();
  // The next ping is sent a while after the last.
  nats.answers = false;
  publish('b');
  await gathered();
  nats.connected = false;
  publish('c');
  nats.connected = true;
  nats.answers = true;
  outbox.reconnected();
  expect(nats.arrived).toEqual(['a', 'b', 'b', 'c']);
  await pause(600);
  outbox.reconnected();
  expect(nats.arrived).toHaveLength(4);
});

test('none is dropped while NATS is there, however many come at once', async () => {
  const { nats, outbox, publish } = start();
  for (let n = 0; n < 10_000; n++) publish(String(n));
  for (let n = 0; n < 10; n++) outbox.publish('large', Buffer.alloc(1024 * 1024));
  await gathered();
  expect(nats.arrived).toHaveLength(10_010);
  expect(outbox.dropped).toBe(0);
});

test('the oldest are dropped, and counted, when NATS is away for long', () => {
  const { nats, outbox, publish } = start();
  nats.connected = false;
  for (let n = 0; n < 5_000; n++) publish(String(n));
  expect(outbox.dropped).toBe(5_000 - 4_096);
  nats.connected = true;
  outbox.reconnected();
  expect(nats.arrived).toHaveLength(4_096);
  expect([nats.arrived[0], nats.arrived.at(-1)]).toEqual(['904', '4999']);
  nats.connected = false;
  for (let n = 0; n < 10; n++) outbox.publish('large', Buffer.alloc(1024 * 1024));
  expect(outbox.dropped).toBe(904 + 6);
});
