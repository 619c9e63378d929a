import { expect, test } from 'vitest';
import type { Envelope } from './mail-object.js';
import { packEnvelope, unpackEnvelope } from './packed-envelope.js';

const plain: Envelope = {
  id: '2q2zq9p1t000000001',
  reversePath: 'from@example.org',
  recipients: [{ forwardPath: 'to@a.test' }, { forwardPath: '"x\\"y"@b.test', original: 'alias@a.test' }],
  body: '8BITMIME',
  sizeInOctets: 5000,
  acceptedAt: 1_795_520_783_679,
  client: { address: '2001:db8::1', helo: 'client.test', protocol: 'ESMTPS' },
  listener: 'mx',
};
const large = { chunks: 3, octets: 300_000, sha256: 'ab', contentId: '2q2zq9p1t000000002' };

test.each<[string, Envelope]>([
  ['plain', plain],
  ['with all that there can be', { ...plain, identity: 'user', large, bornOf: '2q2zq9p1t000000003' }],
  [
    'with what its sender wants of DSNs',
    {
      ...plain,
      dsn: { ret: 'HDRS', envid: 'x y' },
      recipients: [
        { forwardPath: 'a@b.test', notify: ['NEVER'] },
        { forwardPath: 'c@b.test', orcpt: 'rfc822;C@b.test' },
      ],
    },
  ],
  ['null reverse-path', { ...plain, reversePath: '', recipients: [] }],
  ['not ASCII', { ...plain, recipients: [{ forwardPath: 'jörg@пример.test' }] }],
])('%s comes back as it was', (_, envelope) => {
  expect(unpackEnvelope(packEnvelope(envelope), envelope)).toEqual(envelope);
});
