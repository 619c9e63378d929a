/** An access token of an issuer, instead of a password, submits mail to a system as it is started; none is ever logged. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { dumpedMails, dumpFolder, startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { startTokenIssuer, type TokenIssuer } from '../token-issuer.js';
import { until } from './maildirs.js';
import { runClient, testWith } from './peers.js';

let postrider: RunningPostrider;
let issuer: TokenIssuer;
let sink: CountingSink;
let port: number;
const folder = dumpFolder();

beforeAll(async () => {
  const sinkPort = await freePort();
  sink = await startSmtpSink(sinkPort, { dumpFolder: folder });
  issuer = await startTokenIssuer();
  port = await freePort();
  postrider = await startPostrider(
    [
      'hostname: postrider.example.org',
      'log: { level: debug }',
      `oauth: { issuer: "${issuer.issuer}", audience: [mail], jwks_url: "${issuer.jwksUrl}" }`,
      `routes: { "*": "smtp://127.0.0.1:${sinkPort}" }`,
    ],
    { listeners: [`s: { role: submissions, listen: ["127.0.0.1:${port}"] }`] },
  );
});
afterAll(async () => {
  await postrider.remove();
  await issuer.stop();
  await sink.stop();
  rmSync(folder, { recursive: true });
});

const submit = async (token: string): Promise<string> => {
  const program = `
import base64, smtplib, ssl, sys
port, token = int(sys.argv[1]), sys.argv[2]
with smtplib.SMTP_SSL('127.0.0.1', port, context=ssl._create_unverified_context()) as server:
    server.ehlo()
    response = 'n,a=ann@ours.test,\\1auth=Bearer ' + token + '\\1\\1'
    code, text = server.docmd('AUTH', 'OAUTHBEARER ' + base64.b64encode(response.encode()).decode())
    if code == 334:
        print(base64.b64decode(text).decode())
        code, text = server.docmd('AQ==')
    print(code)
    if code == 235:
        server.sendmail('ann@ours.test', ['far@away.test'], 'From: ann@ours.test\\r\\nSubject: by token\\r\\n\\r\\ntext\\r\\n')
`;
  return (await runClient('python3', ['-c', program, String(port), token])).output;
};

testWith('python3', 'smtp-sink')('a token that is good, one that is not', async () => {
  const [good, bad] = [
    await issuer.token('ann@ours.test'),
    await issuer.token('ann@ours.test', { aud: 'web' }),
  ];
  expect(await submit(good)).toContain('235');
  const mail = await until('the mail in the sink', () =>
    dumpedMails(folder).find((text) => text.includes('Subject: by token\n')),
  );
  expect(mail).toMatch(/\(authenticated as ann@ours\.test\)/);
  expect(await submit(bad)).toBe('{"status":"invalid_token"}\n535\n');
  for (const token of [good, bad])
    for (const part of token.split('.')) expect(postrider.output()).not.toContain(part);
});
