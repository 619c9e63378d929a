import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { expect, test } from 'vitest';
import { buildDsn, type DsnOptions } from './dsn.js';

const at = Date.UTC(2026, 10, 24, 9, 30, 0);
const options: DsnOptions = {
  id: '0123456789bcdfghjk',
  cause: {
    id: 'zzz456789bcdfghjkl',
    reversePath: 'me@example.org',
    recipients: [{ forwardPath: 'you@gone.test' }],
    body: '7BIT',
    sizeInOctets: 100,
    acceptedAt: at - 60_000,
    client: { address: '127.0.0.1', helo: 'client.example', protocol: 'ESMTP' },
    listener: 'mx',
  },
  originalHeaders: Buffer.from('From: me@example.org\r\nSubject: hello\r\n\r\nthe secret body\r\n'),
  recipients: [
    {
      finalRecipient: 'you@gone.test',
      originalRecipient: 'all@example.org',
      action: 'failed',
      diagnostic: { status: '5.1.1', text: '550 5.1.1 No such user', remoteMta: 'mx.gone.test' },
      lastAttemptAt: at,
    },
  ],
  hostname: 'mx.example.org',
  postmaster: 'postmaster@mx.example.org',
  at,
};
const text = (content: Uint8Array | undefined): string => Buffer.from(content ?? []).toString('utf8');

test('three parts, as RFC 6522 and RFC 3464 have them', async () => {
  const { envelope, content } = buildDsn(options);
  expect(envelope).toMatchObject({
    reversePath: '',
    recipients: [{ forwardPath: 'me@example.org' }],
    bornOf: options.cause.id,
  });
  const mail = await simpleParser(Buffer.from(content ?? []));
  expect(mail.headers.get('content-type')).toMatchObject({
    value: 'multipart/report',
    params: { 'report-type': 'delivery-status' },
  });
  expect(mail.headers.get('auto-submitted')).toBe('auto-replied');
  expect(mail.text).toContain('<you@gone.test> (from all@example.org)');
  expect(text(content).match(/^Content-Type: \S+/gm)).toEqual([
    'Content-Type: multipart/report;',
    'Content-Type: text/plain;',
    'Content-Type: message/delivery-status',
    'Content-Type: text/rfc822-headers;',
  ]);
  expect(text(content)).toContain(
    [
      'Reporting-MTA: dns; mx.example.org',
      `X-Postrider-Mail-Id: ${options.cause.id}`,
      'Arrival-Date: Tue, 24 Nov 2026 09:29:00 +0000',
      '',
      'Original-Recipient: rfc822; all@example.org',
      'Final-Recipient: rfc822; you@gone.test',
      'Action: failed',
      'Status: 5.1.1',
      'Remote-MTA: dns; mx.gone.test',
      'Diagnostic-Code: smtp; 550 5.1.1 No such user',
      'Last-Attempt-Date: Tue, 24 Nov 2026 09:30:00 +0000',
      '',
    ].join('\r\n'),
  );
});

test("the mail's header goes back, its body does not", () => {
  const content = text(buildDsn(options).content);
  expect(content).toContain('Subject: hello\r\n');
  expect(content).not.toContain('secret body');
});

test('never about a null reverse-path', () => {
  expect(() => buildDsn({ ...options, cause: { ...options.cause, reversePath: '' } })).toThrow(
    'reverse-path is null',
  );
});

test.each([
  ['7BIT', 'Subject: plain\r\n\r\n'],
  ['8BITMIME', 'Subject: grün\r\n\r\n'],
] as const)('%s for the header %j', (body, header) => {
  expect(buildDsn({ ...options, originalHeaders: Buffer.from(header) }).envelope.body).toBe(body);
});

test('whatever a next hop says adds no field, no part and no bare line end', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      (said, headers) => {
        const diagnostic = { status: '5.0.0', text: `${said}\r\nX-Evil: 1\n--=_dsn_`, remoteMta: said };
        const [recipient] = options.recipients;
        const content = text(buildDsn({ ...options, recipients: [{ ...recipient, diagnostic }] }).content);
        const lines = content.split('\r\n');
        expect(content.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        expect(lines.filter((line) => line.startsWith('X-Evil'))).toEqual([]);
        expect(lines.filter((line) => line.startsWith('--'))).toHaveLength(4);
        expect(buildDsn({ ...options, originalHeaders: headers }).content).toBeDefined();
      },
    ),
    { numRuns: 300 },
  );
});
