import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { MailObject } from '@postrider/mail';
import { jetStreamBackend, mailOf, ownerOptions, readerOf, type ServerBackend } from './spec/backends.js';
import type { CommitResult, Spool } from './spool.js';

/** R, S, T (stopped), … (proc(5), /proc/pid/stat). */
const stateOf = (pid: number): string | undefined =>
  /^.*\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

/** A real nats-server with an fsync before each acknowledgement, killed with SIGKILL while it writes. */
let backend: ServerBackend;
let spool: Spool;
beforeEach(async () => {
  backend = jetStreamBackend();
  await backend.start();
  spool = await backend.spool();
  await spool.prepare(['0']);
});
afterEach(async () => {
  await spool.close();
  await backend.stop();
});

test('what was committed before a kill -9 is there after it, whole; what was under way is committed by a retry', async () => {
  const writer = spool.writer({ shards: ['0'] });
  const committed = new Map<string, MailObject>();
  const results: CommitResult['result'][] = [];
  let killed = false;
  let ended = false;
  const committer = async (): Promise<void> => {
    while (!ended) {
      if (writer.room() === 'away') await pause(20);
      const mail = mailOf(1, Buffer.alloc(5_000, Math.random().toString()));
      const { result } = await writer.commit(mail);
      if (result === 'committed') committed.set(mail.envelope.id, mail);
      else expect(killed).toBe(true);
      results.push(result);
    }
  };
  const committers = Promise.all(Array.from({ length: 20 }, committer));
  for (let round = 0; round < 2; round++) {
    const before = committed.size;
    await expect.poll(() => committed.size, { timeout: 10_000 }).toBeGreaterThan(before + 200);
    killed = true;
    backend.server.kill();
    await backend.restart();
  }
  const recovered = committed.size;
  await expect.poll(() => committed.size, { timeout: 10_000 }).toBeGreaterThan(recovered + 200);
  ended = true;
  await committers;
  // What was in flight at the kill was not given up: it was tried again with its id.
  expect(results).not.toContain('unknown');

  const owner = await spool.own('0', ownerOptions());
  const reader = readerOf(owner);
  const seen = new Set<string>();
  while (seen.size < committed.size) {
    const { mail } = await reader.next();
    const { id } = mail.envelope;
    expect(seen.has(id)).toBe(false);
    const known = committed.get(id);
    if (!known) continue;
    seen.add(id);
    expect(Buffer.from(known.content ?? []).equals(mail.content ?? Buffer.alloc(0))).toBe(true);
  }
  await owner.close();
}, 60_000);

test('with NATS away new mail is refused at once, and taken again when it is back; records wait', async () => {
  const writer = spool.writer({ shards: ['0'] });
  const mail = mailOf();
  await writer.commit(mail);
  const options = ownerOptions();
  const owner = await spool.own('0', options);
  const reader = readerOf(owner);
  await reader.next();
  backend.server.kill();
  await expect.poll(() => writer.room()).toBe('away');
  expect((await writer.commit(mailOf())).result).toBe('unavailable');
  const recorded = owner.record([
    { kind: 'relayed', id: mail.envelope.id, at: 0, recipients: [0], attempt: 1 },
  ]);
  const waiting = expect.poll(() => owner.unwrittenFor(), { timeout: 5_000 }).toBeGreaterThan(500);
  await waiting;
  await backend.restart();
  await recorded;
  expect([owner.unwrittenFor(), owner.figures()['liveMails']]).toEqual([0, 0]);
  await expect.poll(() => writer.room(), { timeout: 5_000 }).toBe('ok');
  const after = mailOf();
  expect((await writer.commit(after)).result).toBe('committed');
  expect((await reader.next()).mail.envelope.id).toBe(after.envelope.id);
  expect([options.faults, options.lostBecause]).toEqual([[], []]);
  await owner.close();
}, 30_000);

test('a server that is stopped, not dead: 451 for what waits, and no copy when it goes on', async () => {
  const writer = spool.writer({ shards: ['0'] });
  await writer.commit(mailOf());
  process.kill(backend.server.pid, 'SIGSTOP');
  // The signal is on its way only; a server that still runs would acknowledge.
  await expect.poll(() => stateOf(backend.server.pid)).toBe('T');
  const inFlight = writer.commit(mailOf());
  const behind = writer.commit(mailOf());
  expect((await behind).result).toBe('unavailable');
  expect(writer.room()).toBe('away');
  process.kill(backend.server.pid, 'SIGCONT');
  expect((await inFlight).result).toBe('committed');
  expect(writer.room()).toBe('ok');
  const log = await backend.log();
  expect((await log.state('SPOOL-0')).messages).toBe(2);
  await log.close();
}, 30_000);
