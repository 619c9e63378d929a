import { parseMailArguments, parseRcptArguments, parseXtext } from '@postrider/smtp';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jobOf } from '../job.fixture.js';
import { mailCommand, rcptCommand } from './commands.js';
import { pipelining } from './transfer-rig.fixture.js';

const { envelope } = jobOf('a');
const dsn = { ...pipelining, dsn: true };

test.each([
  [{}, {}, ''],
  [{ size: true }, {}, ' SIZE=14'],
  [{ size: true, eightBit: true }, { body: '8BITMIME' }, ' SIZE=14 BODY=8BITMIME'],
  [{}, { dsn: { ret: 'FULL', envid: 'x' } }, ''],
  [{ dsn: true }, { dsn: { ret: 'FULL' } }, ' RET=FULL'],
  [{ dsn: true }, { dsn: { envid: 'a b=+' } }, ' ENVID=a+20b+3D+2B'],
  [{ dsn: true }, {}, ''],
  [{ smtputf8: true }, {}, ''],
  [{ smtputf8: true }, { smtputf8: 'asked' }, ' SMTPUTF8'],
  [{}, { smtputf8: 'asked' }, ''],
  [{ auth: true }, {}, ''],
  [{ auth: true }, { submitter: 'e=mc2@example.com' }, ' AUTH=e+3Dmc2@example.com'],
  [{}, { submitter: 'e=mc2@example.com' }, ''],
] as const)('MAIL: %j %j', (offer, facts, parameters) => {
  expect(mailCommand({ ...envelope, ...facts }, { ...pipelining, ...offer })).toBe(
    `MAIL FROM:<me@example.org>${parameters}\r\n`,
  );
});

test.each([
  [pipelining, { notify: ['SUCCESS'], orcpt: 'rfc822;A@b.test' }, ''],
  [dsn, {}, ''],
  [dsn, { notify: ['NEVER'] }, ' NOTIFY=NEVER'],
  [dsn, { notify: ['SUCCESS', 'DELAY'] }, ' NOTIFY=SUCCESS,DELAY'],
  [dsn, { orcpt: 'X400;/C=NO/' }, ' ORCPT=X400;/C+3DNO/'],
  [dsn, { original: 'all@b.test' }, ' ORCPT=rfc822;all@b.test'],
  [dsn, { original: 'ö@b.test' }, ' ORCPT=utf-8;\\x{F6}@b.test'],
  [{ ...dsn, smtputf8: true }, { original: 'ö+@b.test' }, ' ORCPT=utf-8;ö\\x{2B}@b.test'],
  [dsn, { original: 'all@b.test', orcpt: 'rfc822;All@x.test' }, ' ORCPT=rfc822;All@x.test'],
] as const)('RCPT: %j %j', (offer, facts, parameters) => {
  expect(rcptCommand({ forwardPath: 'a@b.test', ...facts }, offer)).toBe(
    `RCPT TO:<a@b.test>${parameters}\r\n`,
  );
});

test.each([
  [dsn, {}, ' NOTIFY=FAILURE,DELAY'],
  [dsn, { notify: ['SUCCESS'] }, ' NOTIFY=SUCCESS,DELAY'],
  [dsn, { notify: ['DELAY', 'FAILURE'] }, ' NOTIFY=DELAY,FAILURE'],
  [dsn, { notify: ['NEVER'] }, ' NOTIFY=NEVER'],
  [pipelining, {}, ''],
] as const)(
  'RCPT where the time of the sender is lost (RFC 2852 §4.1.4.2): %j %j',
  (offer, facts, parameters) => {
    expect(rcptCommand({ forwardPath: 'a@b.test', ...facts }, offer, true)).toBe(
      `RCPT TO:<a@b.test>${parameters}\r\n`,
    );
  },
);

test('whatever stands in ENVID and ORCPT comes out of the next parser as it was', () => {
  const text = fc
    .string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      minLength: 1,
    })
    .filter((value) => value.length <= 100);
  fc.assert(
    fc.property(text, (value) => {
      const mail = parseMailArguments(
        mailCommand({ ...envelope, dsn: { envid: value } }, dsn).slice('MAIL '.length, -2),
      );
      const rcpt = parseRcptArguments(
        rcptCommand({ forwardPath: 'a@b.test', orcpt: `x;${value}` }, dsn).slice('RCPT '.length, -2),
      );
      expect(mail.ok && parseXtext(mail.value.parameters.get('ENVID') ?? '')).toBe(value);
      expect(rcpt.ok && parseXtext((rcpt.value.parameters.get('ORCPT') ?? '').slice(2))).toBe(value);
    }),
  );
});
