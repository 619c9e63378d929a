/** REQUIRETLS (RFC 8689 §4.2.1): proven TLS, a hop that passes it on, or nothing. */
import { expect, test } from 'vitest';
import { jobOf } from '../job.fixture.js';
import { pipelining, session } from './transfer-rig.fixture.js';

const job = { ...jobOf('a'), envelope: { ...jobOf('a').envelope, requireTls: true as const } };
const bounce = { ...job, envelope: { ...job.envelope, reversePath: '' } };
const able = { ...pipelining, requireTls: true, tls: 'verified' } as const;

test('where all holds it is passed on', () => {
  expect(session(able, [job]).heard()[0]).toBe('MAIL FROM:<me@example.org> REQUIRETLS');
});

test.each([
  [{ tls: 'none' }, '5.7.10 REQUIRETLS: the session with mx.dest.test is not encrypted'],
  [{ tls: 'unverified' }, '5.7.10 REQUIRETLS: the certificate of mx.dest.test does not prove who it is'],
  [{ tls: 'unsigned' }, '5.7.30 REQUIRETLS: nobody vouches for mx.dest.test as an exchanger of the domain'],
  [{ requireTls: false }, '5.7.30 REQUIRETLS support required, mx.dest.test does not offer it'],
] as const)('%j: %s', (lack, text) => {
  const { heard, results, transfer } = session({ ...able, ...lack }, [job]);
  expect(heard()).toEqual([]);
  expect(results.get('a')).toEqual([`0 permanent ${text}`]);
  // Others may still go there.
  expect(transfer.stage).toBe('idle');
});

test.each([
  [able, ' REQUIRETLS'],
  [{ ...able, tls: 'unverified' }, ' REQUIRETLS'],
  [{ ...able, requireTls: false }, ''],
  [{ ...able, tls: 'none', requireTls: false }, ''],
] as const)('a bounce goes on all the same (RFC 8689 §5): %j', (offer, parameter) => {
  expect(session(offer, [bounce]).heard()[0]).toBe(`MAIL FROM:<>${parameter}`);
});

test('who delivers by LMTP is no relay', () => {
  expect(session({ ...pipelining, lmtp: true }, [job]).heard()[0]).toBe('MAIL FROM:<me@example.org>');
});
