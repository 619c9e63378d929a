/**
 * Values for NATS's Helm chart against base/nats, which they stand for: nats-server reads what the chart's templates make of them
 * (version 1.1 and on: `merge` into sections, `<< >>` unquoted, keys that end in `$include` first), and the pod is as ours.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findNatsServer } from '@postrider/nats-server';
import { tempFolder } from '@postrider/testing';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { testWith } from '../e2e/peers.js';
import { k8sFolder, podOf, render } from './render.js';

const test = testWith('kubectl', 'openssl');

type Section = Readonly<Record<string, unknown>>;
interface Tls {
  readonly secretName: string;
  readonly merge?: Section;
}
interface Values {
  readonly config: {
    readonly cluster: { readonly replicas: number; readonly tls: Tls };
    readonly jetstream: {
      readonly memoryStore: { readonly maxSize: string };
      readonly fileStore: { readonly maxSize: string; readonly pvc: { readonly size: string } };
      readonly merge: Section;
    };
    readonly nats: { readonly tls: Tls };
    readonly merge: Section;
  };
  readonly container: {
    readonly image: { readonly repository: string; readonly tag: string };
    readonly env: Readonly<Record<string, string>>;
    readonly merge: Section;
  };
  readonly podTemplate: {
    readonly topologySpreadConstraints: Readonly<Record<string, Section>>;
    readonly merge: { readonly metadata: Section; readonly spec: Section };
  };
}

const read = (name: string): string => readFileSync(join(k8sFolder, name), 'utf8');
const values = parse(read('components/nats-by-helm/values.yaml'), { merge: true }) as Values;
const statefulSet = () => {
  const rendered = render({ overlay: 'production' });
  rendered.remove();
  const found = rendered.manifests.find(({ kind }) => kind === 'StatefulSet')!;
  return { rendered, found, pod: podOf(found)! };
};

/** nats.conf as the chart's files/config make it. @param root in place of the container's `/` */
function natsConf({ config }: Values, root: string): string {
  const tls = (protocol: string, { merge = {} }: Tls): Section => {
    const folder = `/etc/nats-certs/${protocol}`;
    return { cert_file: `${folder}/tls.crt`, key_file: `${folder}/tls.key`, ...merge };
  };
  const { nats, cluster, jetstream, merge } = config;
  const document = {
    server_name: 'nats-0',
    http_port: 8222,
    jetstream: {
      max_memory_store: `<< ${jetstream.memoryStore.maxSize} >>`,
      max_file_store: `<< ${jetstream.fileStore.maxSize} >>`,
      store_dir: '/data',
      ...jetstream.merge,
    },
    tls: tls('nats', nats.tls),
    cluster: {
      name: 'nats',
      port: 6222,
      routes: ['tls://nats-1.nats:6222'],
      tls: tls('cluster', cluster.tls),
    },
    ...merge,
  };
  return JSON.stringify(document, undefined, 2)
    .replaceAll(/".*\$include": "(.*)",?/g, 'include $1;')
    .replaceAll(/"<<\s+(.*)\s+>>"/g, '$1')
    .replaceAll('"/etc/', `"${root}/etc/`)
    .replaceAll('"/data', `"${root}/data`);
}

test('nats-server takes the configuration, with our users and certificates in their places', async () => {
  const { rendered } = statefulSet();
  const { binary } = await findNatsServer({ fetch: true });
  const folder = tempFolder('postrider-helm-');
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  };
  const mounts = { 'nats-tls': ['nats-certs/nats', 'nats-certs/cluster'], 'nats-users': ['nats-users'] };
  for (const [secret, places] of Object.entries(mounts)) {
    const data = rendered.manifests.find(
      ({ kind, metadata }) => kind === 'Secret' && metadata.name === secret,
    )?.data;
    for (const place of places)
      for (const [name, text] of Object.entries(data ?? {}))
        put(`etc/${place}/${name}`, Buffer.from(text, 'base64').toString());
  }
  put('etc/nats-config/nats.conf', natsConf(values, folder.path));
  // @throws with what it does not understand
  execFileSync(binary, ['-t', '-c', join(folder.path, 'etc/nats-config/nats.conf')], { stdio: 'pipe' });
  folder.remove();
});

test('what base/nats sets is set', () => {
  const base = read('base/nats/nats.conf');
  const set = (key: string): string => new RegExp(`^ *${key}: "?([^"\n]+)"?$`, 'm').exec(base)?.[1] ?? '';
  const octets = (text: string): number => {
    const [, count = '', unit = ''] = /([0-9]+)([MG]B)/.exec(text) ?? [];
    return Number(count) * 1024 ** (unit === 'GB' ? 3 : 2);
  };
  const { jetstream, merge } = values.config;
  for (const key of ['ping_interval', 'ping_max', 'write_deadline'])
    expect(String(merge[key]), key).toBe(set(key));
  expect(String(jetstream.merge['sync_interval'])).toBe(set('sync_interval'));
  expect(octets(String(merge['max_payload']))).toBe(Number(set('max_payload')));
  expect(octets(jetstream.memoryStore.maxSize)).toBe(Number(set('max_memory_store')));
  expect(octets(jetstream.fileStore.maxSize)).toBe(Number(set('max_file_store')));
});

test('the pod is as ours', () => {
  const { found, pod } = statefulSet();
  const { replicas, template, volumeClaimTemplates } = found.spec as {
    replicas: number;
    template: { metadata: { labels: Section } };
    volumeClaimTemplates: readonly { spec: { resources: { requests: { storage: string } } } }[];
  };
  const [container] = pod.containers;
  const { image, env, merge } = values.container;
  expect(`${image.repository}:${image.tag}`).toBe(container.image);
  expect(container.env).toContainEqual({ name: 'GOMEMLIMIT', value: env['GOMEMLIMIT'] });
  expect(merge).toEqual({ resources: container.resources, securityContext: container.securityContext });
  expect(values.config.cluster.replicas).toBe(replicas);
  expect(values.config.jetstream.fileStore.pvc.size).toBe(
    volumeClaimTemplates[0]?.spec.resources.requests.storage,
  );
  expect(template.metadata.labels).toMatchObject(values.podTemplate.merge.metadata['labels'] as Section);
  expect(pod).toMatchObject(values.podTemplate.merge.spec);
  for (const { topologyKey, ...constraint } of pod.topologySpreadConstraints ?? [])
    expect(constraint).toMatchObject(values.podTemplate.topologySpreadConstraints[topologyKey] ?? {});
});

test('an overlay with this component leaves NATS to the chart, and the services as they are', () => {
  const rendered = render({ overlay: 'production', components: ['nats-by-helm', 'egress-nodes'] });
  rendered.remove();
  const names = rendered.manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  for (const gone of [
    'StatefulSet nats',
    'Service nats',
    'PodDisruptionBudget nats',
    'ConfigMap nats-config',
  ])
    expect(names).not.toContain(gone);
  for (const kept of [
    'Secret nats-users',
    'Secret nats-tls',
    'NetworkPolicy nats',
    'Deployment smtp-ingress',
  ])
    expect(names).toContain(kept);
});
