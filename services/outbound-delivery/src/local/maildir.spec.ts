import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Job, RecipientOutcome } from '@postrider/protocol';
import { tempFolder, type TempFolder } from '@postrider/testing';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { jobOf, shown } from '../job.fixture.js';
import type { LargeContentReader } from '../delivery.js';
import { maildirs } from './deliver-maildir.js';

let temp: TempFolder;
let folder: string;
beforeEach(() => {
  temp = tempFolder('maildir');
  folder = join(temp.path, 'mail');
});
afterEach(() => temp.remove());

const noLargeContent: LargeContentReader = () => {
  throw new Error('not large');
};
const deliver = async (job: Job, largeContent = noLargeContent): Promise<readonly RecipientOutcome[]> =>
  maildirs({ folder, hostname: 'here.example', largeContent })(job);

const inMaildir = (user: string, part: string): readonly string[] =>
  readdirSync(join(folder, user, 'Maildir', part));
const contentOf = (user: string, name: string): string =>
  readFileSync(join(folder, user, 'Maildir/new', name), 'latin1');
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const named = (id: string, index = 0): string => `${Date.UTC(2026, 0, 1) / 1000}.${id}-${index}.here.example`;

it('puts a mail into new, with its paths on top', async () => {
  const job = jobOf('a', { to: ['you@localhost', 'She@localhost'], content: 'Subject: x\r\n\r\n.dot\r\n' });
  expect(shown(await deliver(job))).toEqual([
    '0 delivered 2.0.0 delivered to Maildir',
    '1 delivered 2.0.0 delivered to Maildir',
  ]);
  expect(inMaildir('you', 'new')).toEqual([named('a')]);
  expect(inMaildir('she', 'new')).toEqual([named('a', 1)]);
  expect(contentOf('you', named('a'))).toBe(
    'Return-Path: <me@example.org>\r\nDelivered-To: you@localhost\r\nSubject: x\r\n\r\n.dot\r\n',
  );
  expect(inMaildir('you', 'tmp')).toEqual([]);
  expect(inMaildir('you', 'cur')).toEqual([]);
});

it('lets nobody else read it', async () => {
  await deliver(jobOf('a', { to: ['you@localhost'] }));
  const maildir = join(folder, 'you/Maildir');
  for (const path of [
    folder,
    dirname(maildir),
    maildir,
    join(maildir, 'tmp'),
    join(maildir, 'new'),
    join(maildir, 'cur'),
  ])
    expect(modeOf(path)).toBe('700');
  expect(modeOf(join(maildir, 'new', named('a')))).toBe('600');
});

it('streams large content', async () => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const text of ['Subject: x\r\n\r\n', 'one', 'two\r\n']) {
      await Promise.resolve();
      yield Buffer.from(text);
    }
  }
  await deliver(jobOf('a', { to: ['you@localhost'], largeOctets: 25 }), chunks);
  expect(contentOf('you', named('a'))).toContain('\r\nSubject: x\r\n\r\nonetwo\r\n');
});

describe('a delivery that is repeated', () => {
  const job = jobOf('a', { to: ['you@localhost'] });

  it('leaves one mail', async () => {
    await Promise.all([deliver(job), deliver(job)]);
    expect(shown(await deliver(job))).toEqual(['0 delivered 2.0.0 delivered to Maildir']);
    expect(inMaildir('you', 'new')).toEqual([named('a')]);
  });

  it('leaves none in new when it has been read since', async () => {
    await deliver(job);
    const maildir = join(folder, 'you/Maildir');
    renameSync(join(maildir, 'new', named('a')), join(maildir, 'cur', `${named('a')}:2,S`));
    expect(shown(await deliver(job))).toEqual(['0 delivered 2.0.0 delivered to Maildir']);
    expect(inMaildir('you', 'new')).toEqual([]);
  });

  it('is made when cur has not changed since the mail was accepted', async () => {
    await deliver(jobOf('b', { to: ['you@localhost'] }));
    utimesSync(join(folder, 'you/Maildir/cur'), 0, 0);
    await deliver(job);
    expect(inMaildir('you', 'new')).toHaveLength(2);
  });
});

test.each([
  '../you@localhost',
  '.@localhost',
  '..@localhost',
  'a/b@localhost',
  '"x\0y"@localhost',
  `${'x'.repeat(65)}@localhost`,
])('%j is no recipient', async (forwardPath) => {
  const [line] = shown(await deliver(jobOf('a', { to: [forwardPath, 'you@localhost'] })));
  expect(line).toMatch(/^0 permanent 5\.1\.3 /);
  expect(readdirSync(folder)).toEqual(['you']);
  expect(readdirSync(temp.path)).toEqual(['mail']);
});

describe('what the system refuses is tried again later', () => {
  const job = jobOf('a', { to: ['you@localhost'] });

  it('a file where the Maildir should be', async () => {
    mkdirSync(join(folder, 'you'), { recursive: true });
    writeFileSync(join(folder, 'you/Maildir'), '');
    expect(shown(await deliver(job))).toEqual(['0 temporary 4.3.0 Maildir: ENOTDIR']);
  });

  it('a full disk', async () => {
    mkdirSync(join(folder, 'you/Maildir'), { recursive: true });
    for (const part of ['new', 'cur']) mkdirSync(join(folder, 'you/Maildir', part));
    async function* full(): AsyncGenerator<Uint8Array> {
      await Promise.resolve();
      yield Buffer.from('x');
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    }
    const large = jobOf('a', { to: ['you@localhost'], largeOctets: 10 });
    expect(shown(await deliver(large, full))).toEqual(['0 temporary 4.3.1 Maildir: ENOSPC']);
    expect(inMaildir('you', 'tmp')).toEqual([]);
    expect(inMaildir('you', 'new')).toEqual([]);
  });

  it('content that is missing', async () => {
    const large = jobOf('a', { to: ['you@localhost'], largeOctets: 10 });
    expect(shown(await deliver(large))).toEqual(['0 temporary 4.3.0 Maildir: not large']);
  });

  it('a dangling link', async () => {
    mkdirSync(folder, { recursive: true });
    symlinkSync('/nowhere/at/all', join(folder, 'you'));
    expect(shown(await deliver(job))[0]).toMatch(/^0 temporary 4\.3\.0 Maildir: /);
  });
});
