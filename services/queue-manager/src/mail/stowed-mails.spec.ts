import { mailIdSource, packEnvelope, type Envelope } from '@postrider/mail';
import { beforeEach, expect, test } from 'vitest';
import { MailBook } from './mail-book.js';
import { QueueMail } from './queue-mail.js';

const nextId = mailIdSource(() => 1_795_520_783_679, new Uint8Array(6));
const now = 1_795_520_800_000;
const diagnostic = { status: '4.4.1', text: 'connect ECONNREFUSED', remoteMta: '192.0.2.1' };

let book: MailBook;
beforeEach(() => {
  book = new MailBook();
});

function deferred(more: Partial<Envelope> = {}, recipients = 1): QueueMail {
  const envelope: Envelope = {
    id: nextId(),
    acceptedAt: 1_795_520_783_679,
    reversePath: 'a@example.org',
    recipients: Array.from({ length: recipients }, (_, n) => ({ forwardPath: `b${n}@Down.test` })),
    body: '8BITMIME',
    sizeInOctets: 1_000,
    client: { address: '192.0.2.7', helo: 'client.test', protocol: 'ESMTPS' },
    listener: 'mx',
    ...more,
  };
  const open = envelope.recipients.map((_, index) => ({
    index,
    attempts: 3,
    until: now + 60_000,
    unknowns: 1,
    diagnostic,
  }));
  const mail = new QueueMail({ mail: { envelope }, open, place: 'defer', replayed: true });
  mail.warned = true;
  mail.until = now + 70_000;
  for (const one of mail.open) one.site = 'mx.down.test';
  book.add(mail);
  book.to(mail, 'resting');
  mail.pack();
  return mail;
}

const seen = (mail: QueueMail | undefined) =>
  mail && {
    id: mail.id,
    state: mail.state,
    place: mail.place,
    acceptedAt: mail.acceptedAt,
    until: mail.until,
    open: mail.open.map(({ index, attempts, until, unknowns, diagnostic: why, site }) => ({
      index,
      attempts,
      until,
      unknowns,
      why,
      site,
    })),
    facts: [mail.bounce, mail.replayed, mail.large, mail.warned],
    envelope: mail.envelope,
  };

const large = { chunks: 3, octets: 300_000, sha256: 'ab', contentId: nextId() };

test.each<[string, Partial<Envelope>]>([
  ['plain', {}],
  ['a bounce', { reversePath: '' }],
  ['large', { large }],
])('%s: it comes back as it was', (_, more) => {
  const mail = deferred(more);
  const before = seen(mail);
  expect(book.stow(mail)).toBeDefined();
  expect(seen(book.peek(mail.id))).toEqual(before);
  expect(seen(book.lookup(mail.id))).toEqual(before);
  expect([...book.candidates({})].map(seen)).toEqual([before]);
  expect(seen(book.get(mail.id))).toEqual(before);
  expect(book.get(mail.id)).toBe(book.get(mail.id));
  expect(packEnvelope(mail.envelope)).toBe(book.get(mail.id)?.pack());
});

test.each<[string, () => QueueMail]>([
  ['of several recipients', () => deferred({}, 2)],
  ['with times of its sender', () => deferred({ scheduling: { priority: 1 } })],
  ['a part of a split envelope', () => deferred({ id: `${nextId()}-1` })],
  [
    'whose content is here',
    () => {
      const mail = deferred();
      mail.content = new Uint8Array(1);
      return mail;
    },
  ],
  [
    'that is being written',
    () => {
      const mail = deferred();
      mail.writing = Promise.resolve();
      return mail;
    },
  ],
  [
    'in SPOOL',
    () => {
      const mail = deferred();
      mail.place = 'spool';
      return mail;
    },
  ],
  [
    'that is active',
    () => {
      const mail = deferred();
      book.to(mail, 'active');
      return mail;
    },
  ],
])('mail %s stays as it is', (_, make) => {
  const mail = make();
  expect(book.stow(mail)).toBeUndefined();
  expect(book.peek(mail.id)).toBe(mail);
});

test('it counts as deferred wherever it is, and its age too', () => {
  const mails = [deferred({ acceptedAt: now - 3_000 }), deferred({ acceptedAt: now - 2_000 }), deferred()];
  for (const mail of mails.slice(0, 2)) book.stow(mail);
  expect(book.figures()).toMatchObject({ active: 0, deferred: 3, held: 0 });
  const [first, second] = mails.map(({ id }) => id);
  expect(book.oldestAt()).toBe(1_795_520_783_679);
  expect([...book.reasons()].map(({ site }) => site)).toEqual(Array(3).fill('mx.down.test'));
  const taken = book.get(first ?? '');
  if (taken !== undefined) book.to(taken, 'ended');
  expect(book.figures()).toMatchObject({ active: 0, deferred: 2, held: 0 });
  expect(book.peek(first ?? '')).toBeUndefined();
  expect(seen(book.peek(second ?? ''))?.acceptedAt).toBe(now - 2_000);
});

test('its row finds it when its time has come: once, and only where it was stowed last', () => {
  const mail = deferred();
  const row = book.stow(mail) ?? -1;
  const taken = book.get(mail.id);
  const again = (taken && book.stow(taken)) ?? -1;
  expect(again).not.toBe(row);
  expect(book.due(row)).toBeUndefined();
  expect(seen(book.due(again))).toEqual(seen(mail));
  const other = deferred();
  expect([row, again]).toContain(book.stow(other));
  expect(seen(book.peek(other.id))).toEqual(seen(other));
});

test('the object of a stowed mail is not the mail any more', () => {
  const mail = deferred();
  book.stow(mail);
  expect(() => book.to(mail, 'active')).toThrow('is stowed');
  expect(book.figures()).toMatchObject({ active: 0, deferred: 1 });
});

test.each<[Parameters<MailBook['candidates']>[0], number]>([
  [{ domain: 'down.test' }, 1],
  [{ address: 'B0@down.test' }, 1],
  [{ below: 'other.test' }, 0],
  [{ state: 'deferred' }, 1],
  [{ state: 'held' }, 0],
])('who looks for %j is shown %i of them', (filter, count) => {
  book.stow(deferred());
  expect([...book.candidates(filter)]).toHaveLength(count);
});
