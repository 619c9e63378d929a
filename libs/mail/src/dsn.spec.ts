import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { buildDsn, type DsnOptions, type DsnRecipient } from './dsn.js';

const at = Date.UTC(2026, 10, 24, 9, 30, 0);
const recipient: DsnRecipient = {
  finalRecipient: 'you@gone.test',
  alias: 'all@example.org',
  originalRecipient: 'rfc822;all@example.org',
  action: 'failed',
  diagnostic: { status: '5.1.1', text: '550 5.1.1 No such user', remoteMta: 'mx.gone.test' },
  lastAttemptAt: at,
};
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
  original: Buffer.from(
    'Received: from a\r\n\tby b\r\nFrom: me@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: hello\r\n\r\nthe secret body\r\n',
  ),
  recipients: [recipient],
  hostname: 'mx.example.org',
  postmaster: 'help@example.org',
  at,
};

function built(changes: Partial<DsnOptions> = {}) {
  const { envelope, content } = buildDsn({ ...options, ...changes });
  const text = Buffer.from(content!).toString('utf8');
  const [head, ...rest] = text.split('\r\n\r\n');
  const boundary = /boundary="([^"]+)"/.exec(head!)![1]!;
  const parts = text
    .split(`\r\n--${boundary}`)
    .slice(1)
    .map((part) => part.replace(/^\r\n/, ''));
  return { envelope, text, head: head!, rest: rest.join('\r\n\r\n'), parts, content: Buffer.from(content!) };
}
const about = (changes: Partial<DsnRecipient>): ReturnType<typeof built> =>
  built({ recipients: [{ ...recipient, ...changes }] });
const withDiagnostic = (changes: Partial<DsnRecipient['diagnostic']>): ReturnType<typeof built> =>
  about({ diagnostic: { ...recipient.diagnostic, ...changes } });

describe('the envelope', () => {
  it('goes from the null reverse-path to the reverse-path of the cause', () => {
    const { envelope, content } = built();
    expect(envelope).toEqual({
      id: options.id,
      reversePath: '',
      recipients: [{ forwardPath: 'me@example.org' }],
      body: '7BIT',
      sizeInOctets: content.length,
      acceptedAt: at,
      client: { address: '127.0.0.1', helo: 'mx.example.org', protocol: 'LOCAL' },
      listener: 'local',
      bornOf: options.cause.id,
    });
  });

  it('is never about a null reverse-path', () => {
    expect(() => built({ cause: { ...options.cause, reversePath: '' } })).toThrow(
      'no DSN about zzz456789bcdfghjkl: its reverse-path is null',
    );
  });
});

describe('the message', () => {
  it('is read by a mail program as a report', async () => {
    const mail = await simpleParser(built().content);
    expect(mail.headers.get('content-type')).toMatchObject({
      value: 'multipart/report',
      params: { 'report-type': 'delivery-status' },
    });
    expect(mail.from?.value).toEqual([
      { name: 'Mail Delivery System', address: 'MAILER-DAEMON@mx.example.org' },
    ]);
    expect(mail.to).toMatchObject({ value: [{ address: 'me@example.org' }] });
    expect(mail.subject).toBe('Undelivered mail returned to sender');
    expect(mail.messageId).toBe('<0123456789bcdfghjk@mx.example.org>');
    expect(mail.inReplyTo).toBe('<1@example.org>');
    expect(mail.date).toEqual(new Date(at));
    expect(mail.headers.get('auto-submitted')).toBe('auto-replied');
    expect(mail.headers.has('return-path')).toBe(false);
    expect(mail.text).toContain('<you@gone.test> (from all@example.org)');
    // mailparser shows a delivery-status as text.
    expect(mail.text).toContain('Final-Recipient: rfc822; you@gone.test');
    expect(mail.attachments.map(({ contentType }) => contentType)).toEqual(['text/rfc822-headers']);
    expect(mail.attachments[0]!.content.toString()).toBe(
      'Received: from a\r\n\tby b\r\nFrom: me@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: hello\r\n',
    );
  });

  it('is the same each time', () => {
    expect(built().content.equals(built().content)).toBe(true);
  });

  it.each([
    ['7BIT', 'Subject: plain\r\n\r\n', 'No such user'],
    ['8BITMIME', 'Subject: grün\r\n\r\n', 'No such user'],
    ['8BITMIME', 'Subject: plain\r\n\r\n', 'Unbekannter Empfänger'],
  ] as const)('is %s for the header %j and the diagnostic %j', (body, header, text) => {
    const diagnostic = { ...recipient.diagnostic, text };
    const { envelope, head } = built({
      original: Buffer.from(header),
      recipients: [{ ...recipient, diagnostic }],
    });
    expect(envelope.body).toBe(body);
    expect(head).toContain(`Content-Transfer-Encoding: ${body === '7BIT' ? '7bit' : '8bit'}`);
  });

  it('gives all of the mail back where it is whole (RFC 3461 §4.3)', async () => {
    const { parts, content } = built({ whole: true });
    expect(parts[2]).toContain('Content-Type: message/rfc822\r\n\r\nReceived: from a');
    expect(parts[2]).toContain('\r\n\r\nthe secret body\r\n');
    const mail = await simpleParser(content);
    expect(mail.attachments.map(({ contentType }) => contentType)).toEqual(['message/rfc822']);
  });

  it('asks of the way back what the mail asked of the way there (RFC 8689 §5, §6)', () => {
    const required = built({ cause: { ...options.cause, requireTls: true } });
    expect(required.envelope.requireTls).toBe(true);
    const original = Buffer.from('Subject: x\r\nTLS-Required: No\r\n\r\n');
    expect(built({ original }).head).toContain('\r\nTLS-Required: No\r\n');
    expect(built({ original, cause: { ...options.cause, requireTls: true } }).head).not.toContain('TLS-Req');
    expect(built({ original: Buffer.from('TLS-Required: Now\r\n\r\n') }).head).not.toContain('TLS-Req');
  });

  it('has a boundary that is in no part', () => {
    const { text } = built({
      original: Buffer.from(`X: 1\r\n--=_dsn_${options.id}--\r\nY: 2\r\n\r\n`),
    });
    expect(text).toContain(` boundary="=_dsn_${options.id}_"\r\n`);
    expect(text).toContain('Y: 2\r\n');
  });
});

describe('the text', () => {
  it('says what happened', () => {
    expect(built().parts[0]).toBe(
      [
        'Content-Type: text/plain; charset=utf-8',
        '',
        'This is the mail system at mx.example.org.',
        '',
        'It is about the mail you sent on Tue, 24 Nov 2026 09:29:00 +0000.',
        '',
        'It could not be delivered to the following, and will not be tried again:',
        '',
        '  <you@gone.test> (from all@example.org)',
        '    mx.gone.test said: 550 5.1.1 No such user',
        '',
        'If you need help, write to help@example.org and attach this notification. The',
        "mail's id here is zzz456789bcdfghjkl.",
        '',
        '',
      ].join('\r\n'),
    );
  });

  it('says until when a delayed mail is tried', () => {
    const { text, head } = built({
      recipients: [{ ...recipient, action: 'delayed', willRetryUntil: at + 86_400_000 }],
    });
    expect(head).toContain('Subject: Delivery delayed: your mail is still being tried');
    expect(text).toContain('tried until Wed, 25 Nov 2026 09:30:00 +0000');
    expect(text).toContain('You need not send it again');
    expect(text).not.toContain('could not be delivered');
  });

  it.each([
    ['delivered', 'It has been delivered to the following', 'delivered'],
    ['relayed', 'passed on to the following by way of another mail system', 'passed on'],
    ['expanded', 'stands for several others', 'delivered'],
  ] as const)('says that it was %s', (action, words, subject) => {
    const diagnostic = { status: 'none', text: '250 Ok', remoteMta: 'mx.gone.test' };
    const { text, head, parts } = built({ recipients: [{ ...recipient, action, diagnostic }] });
    expect(head).toContain(`Subject: Your mail has been ${subject}`);
    expect(text.replaceAll('\r\n', ' ')).toContain(words);
    expect(parts[1]).toContain(`Action: ${action}\r\nStatus: 2.0.0\r\n`);
  });

  it('tells failed and delayed recipients apart', () => {
    const delayed: DsnRecipient = { ...recipient, finalRecipient: 'she@slow.test', action: 'delayed' };
    const { parts, head } = built({ recipients: [recipient, delayed] });
    expect(head).toContain('Subject: Undelivered');
    expect(parts[0]!.indexOf('you@gone.test')).toBeLessThan(parts[0]!.indexOf('has not been delivered yet'));
    expect(parts[0]!.indexOf('she@slow.test')).toBeGreaterThan(
      parts[0]!.indexOf('has not been delivered yet'),
    );
  });

  it('names the postmaster of the host when there is no other', () => {
    expect(built({ postmaster: '' }).text).toContain('write to postmaster@mx.example.org');
  });
});

describe('message/delivery-status', () => {
  it('has the fields of RFC 3464', () => {
    expect(built().parts[1]).toBe(
      [
        'Content-Type: message/delivery-status',
        '',
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

  it('says what is our own reason', () => {
    const { parts } = about({ diagnostic: { status: '4.4.7', text: 'Not delivered within 5 days' } });
    expect(parts[1]).toContain('\r\nDiagnostic-Code: x-postrider; Not delivered within 5 days\r\n');
    expect(parts[1]).not.toContain('Remote-MTA');
  });

  it('has a group for each recipient', () => {
    const other: DsnRecipient = { ...recipient, finalRecipient: 'she@gone.test' };
    const groups = built({ recipients: [recipient, other] })
      .parts[1]!.split('\r\n\r\n')
      .slice(1);
    expect(groups.map((group) => /Final-Recipient: rfc822; (\S+)/.exec(group)?.[1])).toEqual([
      undefined,
      'you@gone.test',
      'she@gone.test',
    ]);
  });

  it.each([
    ['5.7.1', 'failed', '5.7.1'],
    ['4.4.7', 'failed', '4.4.7'],
    ['', 'failed', '5.0.0'],
    ['5.01.1', 'failed', '5.0.0'],
    ['4.4.1\r\nX-Evil: 1', 'delayed', '4.0.0'],
  ] as const)('has a status code for %j %s: %s', (status, action, expected) => {
    const { parts } = about({ action, diagnostic: { status, text: 'x' } });
    expect(parts[1]).toContain(`\r\nStatus: ${expected}\r\n`);
  });

  it.each([
    ['rfc822;All@example.org', 'rfc822; All@example.org'],
    ['X400;/C=NO/', 'X400; /C=NO/'],
    ['rfc822;a\r\nX-Evil: 1', 'utf-8; a\\x{0D}\\x{0A}X-Evil:\\x{20}1'],
    ['x;a\r\nX-Evil: 1', 'x; a X-Evil: 1'],
  ])('has ORCPT %j as %s', (originalRecipient, expected) => {
    expect(about({ originalRecipient }).parts[1]).toContain(`\r\nOriginal-Recipient: ${expected}\r\n`);
  });

  it.each([
    ['you@gone.test', 'rfc822; you@gone.test'],
    ['"a b"@gone.test', 'rfc822; "a b"@gone.test'],
    ['grüße@gone.test', 'utf-8; gr\\x{FC}\\x{DF}e@gone.test'],
    ['a\r\nX-Evil: 1@gone.test', 'utf-8; a\\x{0D}\\x{0A}X-Evil:\\x{20}1@gone.test'],
  ])('has the address %j as %s', (finalRecipient, expected) => {
    expect(about({ finalRecipient }).parts[1]).toContain(`\r\nFinal-Recipient: ${expected}\r\n`);
  });

  it('folds what is long, and is US-ASCII', () => {
    const { parts } = withDiagnostic({ text: `550 ${'très long '.repeat(40)}` });
    const lines = parts[1]!.split('\r\n');
    expect(lines.some((line) => line.startsWith(' '))).toBe(true);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(78);
    expect(parts[1]).toMatch(/^[\x20-\x7e\r\n]*$/);
    expect(parts[1]!.replaceAll('\r\n ', ' ')).toContain('smtp; 550 tr?s long tr?s long');
  });
});

describe('a report about internationalized mail (RFC 6533)', () => {
  const original = Buffer.from('From: a\r\nSubject: grüße\r\n\r\nbody\r\n');
  const finalRecipient = 'jörg@gone.test';

  it('is internationalized itself when its sender is', () => {
    const { envelope, head, parts } = built({
      cause: { ...options.cause, reversePath: 'ü@example.org', smtputf8: 'header' },
      original,
      recipients: [{ ...recipient, finalRecipient, originalRecipient: 'utf-8;ö@example.org' }],
    });
    expect(envelope).toMatchObject({ smtputf8: 'header', body: '8BITMIME' });
    expect(head).toContain('To: <ü@example.org>');
    expect(parts[1]).toMatch(
      /^Content-Type: message\/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n/,
    );
    expect(parts[1]).toContain('Original-Recipient: utf-8; ö@example.org\r\n');
    expect(parts[1]).toContain('Final-Recipient: utf-8; jörg@gone.test\r\n');
    expect(parts[2]).toContain('Content-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit');
    expect(parts[2]).toContain('Subject: grüße');
  });

  it.each([
    [false, 'message/global-headers', 'From: a\r\nSubject: grüße\r\n'],
    [true, 'message/global', original.toString()],
  ])('goes in 7 bits to a sender who is not: whole %s', (whole, type, expected) => {
    const { envelope, content, parts } = built({
      cause: { ...options.cause, smtputf8: 'header' },
      original,
      whole,
      recipients: [{ ...recipient, finalRecipient }],
    });
    expect(envelope.smtputf8).toBeUndefined();
    expect(parts[1]).toContain('Final-Recipient: utf-8; j\\x{F6}rg@gone.test\r\n');
    expect(parts[2]).toContain(`Content-Type: ${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n`);
    const [, encoded = ''] = parts[2]!.split('\r\n\r\n');
    expect(Buffer.from(encoded, 'base64').toString()).toBe(expected);
    expect(content.length).toBeGreaterThan(0);
  });
});

describe('whatever strangers say', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.string({ unit: 'grapheme', maxLength: 1200 }),
    fc
      .array(fc.constantFrom('\r', '\n', '\r\n', '\0', ' ', '.', '--=_dsn_', 'X-Evil: 1', '\u2028', '\ud800'))
      .map((parts) => parts.join('')),
  );

  it('adds no field, no part, no bare line end and no line that is too long', () => {
    fc.assert(
      fc.property(fc.record({ text: anything, remoteMta: anything, address: anything }), (said) => {
        const diagnostic = { status: said.text, text: said.text, remoteMta: said.remoteMta };
        const { text, head, parts, content } = built({
          recipients: [
            {
              ...recipient,
              finalRecipient: said.address,
              alias: said.address,
              originalRecipient: `rfc822;${said.address}`,
              diagnostic,
            },
          ],
          cause: { ...options.cause, reversePath: `a${said.address}` },
        });
        expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n\0]/);
        const lines = text.split('\r\n');
        expect(lines.filter((line) => line.startsWith('X-Evil'))).toEqual([]);
        expect(lines.filter((line) => line.startsWith('--'))).toHaveLength(4);
        expect(parts).toHaveLength(4);
        expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(998);
        expect(head.split('\r\n').map((line) => line.split(':')[0])).toEqual([
          'Date',
          'From',
          'To',
          'Subject',
          'Message-ID',
          'In-Reply-To',
          'References',
          'Auto-Submitted',
          'MIME-Version',
          'Content-Type',
          expect.stringMatching(/^ boundary=/),
          'Content-Transfer-Encoding',
        ]);
        // To an address that is not US-ASCII it may be in UTF-8 (RFC 6533 §4.1).
        if (/^[\x00-\x7f]*$/.test(said.address)) expect(parts[1]).toMatch(/^[\x20-\x7e\r\n]*$/);
        expect(content.length).toBeLessThan(20_000);
      }),
      { numRuns: 200 },
    );
  });
});
