/** REQUIRETLS (RFC 8689 §2): within TLS, and carried in the envelope. */
import { tempFolder } from '@postrider/testing';
import { expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { start } from './transactions.js';

const hello = 'EHLO client.example';
const listeners = { mx: { role: 'mx', listen: ['127.0.0.1:0'] } };

test('in the clear it is not there', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  expect((await client.command(hello)).lines).not.toContain('REQUIRETLS');
  expect(await client.codes('MAIL FROM:<a@b.test> REQUIRETLS')).toEqual([555]);
  client.close();
});

test('within TLS it is, and takes no value', async () => {
  const folder = tempFolder('postrider-tls-');
  const ingress = await start({ config: { listeners, data_dir: folder.path } });
  const client = await greetedClient(ingress.port);
  expect((await client.command(hello)).lines).not.toContain('REQUIRETLS');
  expect((await client.command('STARTTLS')).code).toBe(220);
  await client.startTls();
  expect((await client.command(hello)).lines).toContain('REQUIRETLS');
  expect(
    await client.codes(
      'MAIL FROM:<a@b.test> REQUIRETLS=1',
      'MAIL FROM:<a@b.test> REQUIRETLS RET=FULL',
      'RCPT TO:<c@d.test>',
      'DATA',
      'TLS-Required: No\r\n\r\ntext\r\n.',
    ),
  ).toEqual([501, 250, 250, 354, 250]);
  expect(ingress.spool.mails[0]?.envelope.requireTls).toBe(true);
  client.close();
  folder.remove();
});
