import { configSchema } from '@postrider/runtime';
import { parseMailbox } from '@postrider/smtp';
import { describe, expect, test } from 'vitest';
import { mayRelay, relayRules, relayVerdict } from './relay-control.js';

const rules = relayRules(
  configSchema.parse({
    local: { domains: ['Ours.test'] },
    relay: {
      networks: ['192.0.2.0/24', '2001:db8::/32', '198.51.100.7'],
      domains: ['relayed.test', '.under.test'],
    },
  }),
);

describe('whose mail we relay', () => {
  test.each([
    ['192.0.2.1', true],
    ['192.0.3.1', false],
    ['198.51.100.7', true],
    ['198.51.100.8', false],
    ['2001:db8:1::1', true],
    ['2001:db9::1', false],
    ['::1', false],
    ['', false],
    ['nonsense', false],
  ])('%s: %s', (address, expected) => {
    expect(mayRelay(address, rules)).toBe(expected);
  });
});

describe('where a stranger and a client of ours may send', () => {
  test.each([
    ['a@ours.test', 'local', 'local'],
    ['a@OURS.test', 'local', 'local'],
    ['a@relayed.test', 'relay', 'relay'],
    ['a@x.relayed.test', 'refused', 'relay'],
    ['a@x.under.test', 'relay', 'relay'],
    ['a@under.test', 'refused', 'relay'],
    ['a@else.test', 'refused', 'relay'],
    ['a@[192.0.2.1]', 'refused', 'relay'],
    ['a%b@ours.test', 'refused', 'local'],
    ['"a@b"@ours.test', 'refused', 'local'],
    ['b!a@relayed.test', 'refused', 'relay'],
  ])('%s: %s, %s', (mailbox, stranger, client) => {
    expect(relayVerdict(parseMailbox(mailbox)!, false, rules)).toBe(stranger);
    expect(relayVerdict(parseMailbox(mailbox)!, true, rules)).toBe(client);
  });
});
