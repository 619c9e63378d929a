/** Contents that are no lines go by BDAT (RFC 3030), and nothing of 8 bits to servers of 7 (RFC 6152 §3). */
import { expect, test } from 'vitest';
import { jobOf } from '../job.fixture.js';
import { oneByOne, pipelining, session } from './transfer-rig.fixture.js';

const binary = { ...pipelining, eightBit: true, binary: true };
const content = Buffer.from('Subject: b\r\n\r\n\0\r.\r\n.\n', 'latin1');
const job = jobOf('a', { body: 'BINARYMIME', content, to: ['x@dest.test', 'y@dest.test'] });
const bdat = `BDAT ${content.length} LAST\r\n${content.toString('latin1')}`;

test('envelope in a group, then all of the content as it is, with the next mail behind it', () => {
  const { writes, reply, results } = session(binary, [job, jobOf('b', { body: 'BINARYMIME' })]);
  expect(writes()).toEqual([
    'MAIL FROM:<me@example.org> BODY=BINARYMIME\r\nRCPT TO:<x@dest.test>\r\nRCPT TO:<y@dest.test>\r\n',
  ]);
  reply('250 Ok', '550 5.1.1 No', '250 Ok');
  expect(writes().join('')).toBe(
    `${bdat}MAIL FROM:<me@example.org> BODY=BINARYMIME\r\nRCPT TO:<you@dest.test>\r\n`,
  );
  reply('250 2.0.0 Taken');
  expect(results.get('a')).toEqual(['0 permanent 5.1.1 550 5.1.1 No', '1 relayed 2.0.0 250 2.0.0 Taken']);
});

test('without PIPELINING one by one', () => {
  const { heard, writes, reply, results } = session({ ...oneByOne, eightBit: true, binary: true }, [job]);
  reply('250 Ok', '250 Ok');
  expect(heard().at(-1)).toBe('RCPT TO:<y@dest.test>');
  reply('250 Ok');
  expect(writes().join('')).toBe(bdat);
  reply('451 4.3.0 Later');
  expect(results.get('a')).toEqual(['0,1 temporary 4.3.0 451 4.3.0 Later']);
});

test('nobody was taken: no content, and the next mail begins with RSET', () => {
  const { heard, reply } = session(binary, [job, jobOf('b')]);
  heard();
  reply('250 Ok', '550 No', '550 No');
  expect(heard()[0]).toBe('RSET');
});

test('a large one in pieces, its size first', () => {
  const { transfer, told, writes, reply, results } = session(binary, [
    jobOf('a', { body: 'BINARYMIME', largeOctets: 1000 }),
  ]);
  writes();
  reply('250 Ok', '250 Ok');
  expect(told.streamed).toEqual(['a']);
  expect(transfer.mayStream(Buffer.from([0xff]))).toBe(true);
  transfer.streamed(true);
  expect(writes()).toEqual([]);
  reply('250 2.0.0 Taken');
  expect(results.get('a')).toEqual(['0 relayed 2.0.0 250 2.0.0 Taken']);
});

test.each([
  [{ body: 'BINARYMIME' }, '0 permanent 5.6.3 the mail is BINARYMIME, mx.dest.test does not offer it'],
  // Said to be 7BIT, and it is not.
  [{ content: 'ü\r\n' }, '0 permanent 5.6.3 the mail has 8-bit octets, mx.dest.test does not offer 8BITMIME'],
] as const)('%j does not go to a server of 7 bits', (facts, result) => {
  const { heard, results } = session(pipelining, [jobOf('a', facts)]);
  expect(heard()).toEqual([]);
  expect(results.get('a')).toEqual([result]);
});

test('8BITMIME in name only goes there', () => {
  const { heard } = session(pipelining, [jobOf('a', { body: '8BITMIME' })]);
  expect(heard()[0]).toBe('MAIL FROM:<me@example.org>');
});

test('a large one is broken off at its first octet of 8 bits', () => {
  const { transfer, told, reply, results } = session(pipelining, [jobOf('a', { largeOctets: 1000 })]);
  reply('250 Ok', '250 Ok', '354 Go');
  expect(transfer.mayStream(Buffer.from('plain'))).toBe(true);
  expect(transfer.mayStream(Buffer.from('ü'))).toBe(false);
  expect(results.get('a')).toEqual([
    '0 permanent 5.6.3 the mail has 8-bit octets, mx.dest.test does not offer 8BITMIME',
  ]);
  expect(told.end).toEqual({ reason: 'closed' });
});
