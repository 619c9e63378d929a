import { expect, test } from 'vitest';
import { ingressOfTest, factsOfTest } from '../spec/ingress-of-test.js';
import { CountedClient, type ClientTerms, type OneTooMany } from './counted-client.js';

const shown = (terms: ClientTerms | OneTooMany) =>
  'tooManyOf' in terms ? terms.tooManyOf : terms.limits.recipients;

function counting(limits: object): () => CountedClient {
  const ingress = ingressOfTest({ limits: { recipients: 1000, ...limits } });
  return () => new CountedClient(ingress.networks, factsOfTest(ingress));
}

test('a connection counts for whom it is, and for nobody else any more', () => {
  const connection = counting({ per_client: { connections: 1 } });
  const [first, second] = [connection(), connection()];
  expect(shown(first.becomes('192.0.2.1'))).toBe(1000);
  expect(shown(second.becomes('192.0.2.1'))).toBe('client');
  expect(shown(first.becomes('192.0.2.2'))).toBe(1000);
  expect(shown(first.becomes('192.0.2.2'))).toBe(1000);
  expect(shown(second.becomes('192.0.2.1'))).toBe(1000);
  expect(shown(second.becomes('192.0.2.2'))).toBe('client');
  // Neither counts for the one that it could not become.
  first.gone();
  expect(shown(connection().becomes('192.0.2.2'))).toBe(1000);
  expect(shown(connection().becomes('192.0.2.1'))).toBe(1000);
});

test('the network of whom it has become, its limits and its count', () => {
  const here = {
    networks: ['192.0.2.0/24'],
    connections: 1,
    recipients: 100,
    per_client: { connections: 1 },
  };
  const connection = counting({ networks: { here } });
  const [first, second] = [connection(), connection()];
  expect(shown(first.becomes('127.0.0.1'))).toBe(1000);
  expect(shown(first.becomes('192.0.2.1'))).toBe(100);
  expect(shown(second.becomes('192.0.2.2'))).toBe('network');
  expect(shown(first.becomes('198.51.100.1'))).toBe(1000);
  expect(shown(second.becomes('192.0.2.2'))).toBe(100);
});

test('who was one too many of an address is none of its network', () => {
  const here = { networks: ['192.0.2.0/24'], connections: 2, per_client: { connections: 1 } };
  const connection = counting({ networks: { here } });
  const [first, second, third] = [connection(), connection(), connection()];
  expect(shown(first.becomes('192.0.2.1'))).toBe(1000);
  expect(shown(second.becomes('192.0.2.1'))).toBe('client');
  expect(shown(third.becomes('192.0.2.2'))).toBe(1000);
});

test('a connection that is over counts for nobody, whatever is still said of it', () => {
  const connection = counting({ per_client: { connections: 1 } });
  const gone = connection();
  gone.becomes('192.0.2.1');
  gone.gone();
  gone.becomes('192.0.2.1');
  expect(shown(connection().becomes('192.0.2.1'))).toBe(1000);
});
