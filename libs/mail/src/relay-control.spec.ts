import { parseMailbox } from '@postrider/smtp';
import { describe, expect, test } from 'vitest';
import { parseNetwork } from './network.js';
import { mayRelay, relayRules, relayTrust, relayVerdict, ruleTrusts } from './relay-control.js';

const rules = relayRules({
  local: { domains: ['ours.test'] },
  relay: {
    networks: ['192.0.2.0/24', '2001:db8::/32', '198.51.100.7'].map((text) => parseNetwork(text)!),
    domains: ['relayed.test', '.under.test'],
  },
});

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

test.each([
  [{ address: '192.0.2.1' }, 'network'],
  [{ address: '192.0.2.1', identity: 'ann' }, 'identity'],
  [{ address: '192.0.3.1', identity: 'ann' }, 'identity'],
  [{ address: '192.0.3.1' }, undefined],
  [{ address: undefined }, undefined],
])('%j may send everywhere because of: %s', (client, expected) => {
  expect(relayTrust(client, rules)).toBe(expected);
});

test.each([
  [true, 'a%b@else.test', true],
  [false, 'a%b@else.test', false],
  [false, 'a@else.test', true],
])('a rule that names clients: %s, and %s: %s', (clients, mailbox, expected) => {
  expect(ruleTrusts({ clients }, parseMailbox(mailbox)!)).toBe(expected);
});

describe('where a stranger and a client of ours may send', () => {
  test.each([
    ['a@ours.test', 'local', 'local'],
    ['a@OURS.test', 'local', 'local'],
    ['a@relayed.test', 'relay-domain', 'relay-domain'],
    ['a@x.relayed.test', 'stranger', 'trusted'],
    ['a@x.under.test', 'relay-domain', 'relay-domain'],
    ['a@under.test', 'stranger', 'trusted'],
    ['a@else.test', 'stranger', 'trusted'],
    ['a@[192.0.2.1]', 'stranger', 'trusted'],
    ['a%b@ours.test', 'another-hop', 'local'],
    ['"a@b"@ours.test', 'another-hop', 'local'],
    ['b!a@relayed.test', 'another-hop', 'relay-domain'],
    ['b!a@else.test', 'another-hop', 'trusted'],
  ])('%s: %s, %s', (mailbox, stranger, client) => {
    expect(relayVerdict(parseMailbox(mailbox)!, false, rules)).toBe(stranger);
    expect(relayVerdict(parseMailbox(mailbox)!, true, rules)).toBe(client);
  });
});
