/** Who reaches whom, by the rendered policies: all that services need, and nothing else. */
import { expect } from 'vitest';
import { testWith } from '../e2e/peers.js';
import { services } from './cluster.js';
import { namespaceNamed, placesOf, reaches, type Place, type Port } from './reachability.js';
import { render } from './render.js';

const test = testWith('kubectl', 'openssl');

const tcp = [22, 24, 25, 53, 80, 443, 465, 587, 1080, 2465, 2525, 2587, 4222, 6222, 8025, 8222, 9090];
const ports: readonly Port[] = [
  ...tcp.map((port) => ({ port, protocol: 'TCP' as const })),
  { port: 53, protocol: 'UDP' },
];
const world: Place = { name: 'world', labels: {}, namespace: undefined, ports: new Map() };
const monitoring: Place = { ...world, name: 'monitoring', namespace: namespaceNamed('monitoring') };
const stranger: Place = { ...world, name: 'another namespace', namespace: namespaceNamed('default') };

const names = '53/TCP 53/UDP';

/** `FROM → TO: PORTS` of every pair that reaches. */
function reachable(components: readonly string[]): readonly string[] {
  const rendered = render({ overlay: 'production', components });
  rendered.remove();
  const pods = placesOf(rendered.manifests);
  expect(pods.map(({ name }) => name).sort()).toEqual([...services, 'cluster-init', 'nats'].sort());
  const lines: string[] = [];
  for (const from of [...pods, world, monitoring, stranger])
    for (const to of [...pods, world]) {
      // What goes from one stranger to another is not ours.
      if (to === world && !pods.includes(from)) continue;
      const open = ports.filter((port) => reaches(rendered.manifests, from, to, port));
      const shown = open.map(({ port, protocol }) => (port === 53 ? `${port}/${protocol}` : `${port}`));
      if (open.length > 0) lines.push(`${from.name} → ${to.name}: ${shown.join(' ')}`);
    }
  return lines.sort();
}

const expected = (hops: string): readonly string[] =>
  [
    ...services.filter((name) => name !== 'outbound-delivery').map((name) => `${name} → world: ${names}`),
    `cluster-init → world: ${names}`,
    `nats → world: ${names}`,
    `outbound-delivery → world: ${hops}`,
    ...services.map((name) =>
      ['admin', 'outbound-delivery'].includes(name) ? `${name} → nats: 4222 8222` : `${name} → nats: 4222`,
    ),
    'cluster-init → nats: 4222',
    'nats → nats: 4222 6222',
    ...services.map((name) =>
      name === 'smtp-ingress' ? `monitoring → ${name}: 2465 2525 2587 8025` : `monitoring → ${name}: 8025`,
    ),
    'monitoring → nats: 8222',
    'world → smtp-ingress: 2465 2525 2587',
    'another namespace → smtp-ingress: 2465 2525 2587',
  ].sort();

test('who reaches whom', () => {
  expect(reachable([])).toEqual(expected('24 25 53/TCP 587 53/UDP'));
});

test('behind an egress proxy workers reach it, and no exchanger past it', () => {
  expect(reachable(['socks5'])).toEqual(expected('53/TCP 1080 53/UDP'));
});
