import { expect, test } from 'vitest';
import type { Bus } from '@postrider/bus';
import type { Envelope } from '@postrider/mail';
import { ingressEvents } from './events.js';

function accepted(recipients: Envelope['recipients']): object | undefined {
  let told: object | undefined;
  const bus = { publishEvent: (_, __, facts) => void (told = facts) } as Pick<Bus, 'publishEvent'> as Bus;
  const envelope: Envelope = {
    id: 'ID',
    reversePath: 'a@b.test',
    recipients,
    body: '7BIT',
    sizeInOctets: 7,
    acceptedAt: 0,
    client: { address: '127.0.0.1', helo: 'c.test', protocol: 'ESMTP' },
    listener: 'mx',
  };
  ingressEvents(bus).accepted(envelope, '0');
  return told;
}

test('accepted: where it goes, and by which alias', () => {
  expect(accepted([{ forwardPath: 'x@y.test' }])).not.toHaveProperty('given');
  const members = [
    { forwardPath: 'team@y.test', original: 'team@y.test', expanded: true as const },
    { forwardPath: 'ann@y.test', original: 'team@y.test' },
    { forwardPath: 'bob@y.test', original: 'team@y.test' },
    { forwardPath: 'me@y.test', original: 'me@y.test' },
  ];
  expect(accepted(members)).toMatchObject({
    recipients: ['ann@y.test', 'bob@y.test', 'me@y.test'],
    given: ['team@y.test'],
  });
});
