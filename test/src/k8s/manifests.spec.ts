/** The rendered manifests against Kubernetes' and the CRDs' schemas, and against policy. No cluster is asked. */
import { X509Certificate } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkServerIdentity } from 'node:tls';
import { loadConfig, metricTable } from '@postrider/runtime';
import { tempFolder } from '@postrider/testing';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { parse } from 'yaml';
import { isInstalled, testWith } from '../e2e/peers.js';
import {
  k8sFolder,
  leastReplicas,
  podOf,
  render,
  type Manifest,
  type PodSpec,
  type Rendered,
} from './render.js';

const test = testWith('kubectl', 'openssl');
const load = createRequire(import.meta.url);

type ModelClass = new (manifest: object) => { validate(): void };

/** Where the models' packages keep a kind: `apps/v1` Deployment, `v1` Service, `keda.sh/v1alpha1` ScaledObject. */
function modelOf({ apiVersion, kind }: Manifest): ModelClass {
  const own: Readonly<Record<string, string>> = {
    'cert-manager.io': '@kubernetes-models/cert-manager',
    'keda.sh': '@kubernetes-models/keda',
    'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  };
  const group = apiVersion.split('/')[0] ?? '';
  const path = `${own[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`;
  return (load(path) as Readonly<Record<string, ModelClass>>)[kind]!;
}

/** kustomize breaks long base64 into lines, which the API server takes and the schema's format does not. */
function unwrapped(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Secret' || !manifest.data) return manifest;
  const lines = Object.entries(manifest.data).map(([name, text]) => [name, text.replaceAll('\n', '')]);
  return { ...manifest, data: Object.fromEntries(lines) as Readonly<Record<string, string>> };
}

describe.each(['production', 'kind'] as const)('%s', (overlay) => {
  let rendered: Rendered | undefined;
  const manifests = (): readonly Manifest[] => rendered?.manifests ?? [];
  const pods = (): readonly (readonly [string, PodSpec])[] =>
    manifests().flatMap((manifest) => {
      const pod = podOf(manifest);
      return pod ? [[`${manifest.kind} ${manifest.metadata.name}`, pod] as const] : [];
    });
  beforeAll(() => {
    if (isInstalled('kubectl')) rendered = render({ overlay });
  });
  afterAll(() => rendered?.remove());

  test('each is what its schema says', () => {
    expect(manifests().length).toBeGreaterThan(25);
    for (const manifest of manifests()) {
      const Model = modelOf(manifest);
      const name = `${manifest.kind} ${manifest.metadata.name}`;
      expect(() => new Model(unwrapped(manifest)).validate(), name).not.toThrow();
    }
  });

  test('the schemas bite', () => {
    const deployment = manifests().find(({ kind }) => kind === 'Deployment')!;
    const Model = modelOf(deployment);
    const wrong = { ...deployment, spec: { ...(deployment.spec as object), replicas: 'three' } };
    expect(() => new Model(wrong).validate()).toThrow(/replicas/);
  });

  test('pods: no root, no token, no service links; containers: limits, read-only, no capability', () => {
    expect(pods()).toHaveLength(8);
    for (const [name, pod] of pods()) {
      expect(pod, name).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      for (const container of pod.containers) {
        expect(container, name).toMatchObject({
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        });
        expect(Object.keys(container.resources?.requests ?? {}).sort(), name).toEqual(['cpu', 'memory']);
        expect(container.resources?.limits?.memory, name).toBeDefined();
        expect(container.image, name).toMatch(/:[0-9]+\.[0-9]+\.[0-9]+/);
        if (name.startsWith('Job')) continue;
        for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
          expect(probe?.httpGet.path, name).toMatch(/^\/(livez|readyz|healthz)/);
      }
    }
  });

  test('what a pod mounts is rendered, and each service has its own key alone', () => {
    const has = (kind: string, wanted: string): boolean =>
      manifests().some((other) => other.kind === kind && other.metadata.name === wanted);
    const isIssued = (secret: string): boolean =>
      manifests().some(
        ({ kind, spec }) => kind === 'Certificate' && (spec as { secretName: string }).secretName === secret,
      );
    for (const [name, pod] of pods()) {
      const secrets = (pod.volumes ?? []).flatMap(({ secret }) => secret?.secretName ?? []);
      for (const secret of secrets)
        expect(has('Secret', secret) || isIssued(secret), `${name}: ${secret}`).toBe(true);
      for (const { configMap } of pod.volumes ?? [])
        if (configMap) expect(has('ConfigMap', configMap.name), name).toBe(true);
      const keys = secrets.filter((secret) => secret.startsWith('nkey-'));
      expect(keys, name).toHaveLength(name.includes(' nats') ? 0 : 1);
      const ca = pod.volumes?.find((volume) => volume.name === 'nats-ca');
      if (ca) expect(ca.secret?.items, name).toEqual([{ key: 'ca.crt', path: 'ca.crt' }]);
    }
  });

  test('each workload that stays has a budget of disruptions, that names its pods', () => {
    const budgets = manifests().filter(({ kind }) => kind === 'PodDisruptionBudget');
    const workloads = manifests().filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
    expect(workloads.length).toBe(7);
    for (const { metadata, spec } of workloads) {
      const { matchLabels } = (spec as { selector: { matchLabels: object } }).selector;
      const budget = budgets.find((one) => one.metadata.name === metadata.name);
      expect(budget?.spec, metadata.name).toEqual({ maxUnavailable: 1, selector: { matchLabels } });
    }
  });

  test('pods that stay are spread over nodes and zones', () => {
    for (const [name, pod] of pods()) {
      if (name.startsWith('Job')) continue;
      const keys = (pod.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey);
      expect(keys, name).toEqual(['kubernetes.io/hostname', 'topology.kubernetes.io/zone']);
    }
  });

  test('each apply leaves to a scaler what it scales, and says how many pods the others have', () => {
    for (const { kind, metadata, spec } of manifests()) {
      if (kind !== 'Deployment') continue;
      const { replicas } = spec as { replicas?: number };
      const least = leastReplicas(manifests(), metadata.name);
      if (least === undefined || overlay === 'kind') expect(replicas, metadata.name).toBeGreaterThan(0);
      else expect([metadata.name, replicas]).toEqual([metadata.name, undefined]);
    }
  });

  test('grace is longer than the drain', () => {
    const config = manifests().find(({ metadata }) => metadata.name === 'postrider-config');
    const base = parse(config?.data?.['postrider.yaml'] ?? '') as Record<string, string>;
    const seconds = ['shutdown_delay', 'shutdown_timeout'].map((key) => parseInt(base[key] ?? '', 10));
    const drain = seconds.reduce((sum, value) => sum + value, 0);
    expect(drain).toBeGreaterThan(0);
    for (const [name, pod] of pods())
      if (name.startsWith('Deployment'))
        expect(pod.terminationGracePeriodSeconds, name).toBeGreaterThan(drain);
  });

  test('the client keeps its address, and ports meet', () => {
    const service = manifests().find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'smtp');
    expect(service?.spec).toMatchObject({
      externalTrafficPolicy: 'Local',
      ipFamilyPolicy: 'PreferDualStack',
    });
    const { ports } = service?.spec as { ports: readonly { port: number; targetPort: string }[] };
    const ingress = pods().find(([name]) => name === 'Deployment smtp-ingress')![1].containers[0];
    const met = ports.map(({ port, targetPort }) => [
      port,
      ingress.ports?.find(({ name }) => name === targetPort)?.containerPort,
    ]);
    expect(met).toEqual([
      [25, 2525],
      [465, 2465],
      [587, 2587],
    ]);
  });
});

test('components: an overlay that takes in balancers and an egress proxy is still what the schemas say', () => {
  const rendered = render({
    overlay: 'production',
    components: ['proxy-protocol', 'socks5', 'egress-nodes'],
  });
  try {
    for (const manifest of rendered.manifests)
      expect(() => new (modelOf(manifest))(unwrapped(manifest)).validate()).not.toThrow();
    const policies = rendered.manifests.filter(({ kind }) => kind === 'NetworkPolicy');
    const names = policies.map(({ metadata }) => metadata.name);
    expect(names).toContain('mail-by-proxy');
    expect(names).not.toContain('mail-out');
    const workers = rendered.manifests.find(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'outbound-delivery',
    );
    expect(workers && podOf(workers)).toMatchObject({
      nodeSelector: { 'postrider/egress': 'true' },
      tolerations: [{ key: 'postrider/egress', effect: 'NoSchedule' }],
    });
    const config = rendered.manifests.find(({ metadata }) => metadata.name === 'postrider-config');
    const folder = tempFolder('postrider-components-');
    for (const [name, text] of Object.entries(config?.data ?? {}))
      writeFileSync(join(folder.path, name), text);
    const { config: loaded } = loadConfig({ path: folder.path, environment: {}, flags: {} });
    folder.remove();
    expect(loaded.outbound.proxy).toEqual({ host: 'egress.egress.svc', port: 1080, user: '' });
    expect(loaded.listeners['submissions']).toMatchObject({
      role: 'submissions',
      proxy_from: [{ text: '192.0.2.0/28' }],
    });
  } finally {
    rendered.remove();
  }
});

test("NATS's certificate is for the names that services and routes call its servers by", () => {
  const rendered = render({ overlay: 'production' });
  rendered.remove();
  const found = (kind: string, name: string) =>
    rendered.manifests.find((other) => other.kind === kind && other.metadata.name === name)?.data ?? {};
  const pem = Buffer.from(found('Secret', 'nats-tls')['tls.crt'] ?? '', 'base64');
  const certificate = new X509Certificate(pem).toLegacyObject();
  const { nats } = parse(found('ConfigMap', 'postrider-config')['postrider.yaml'] ?? '') as {
    nats: { servers: readonly string[] };
  };
  const routes = [...(found('ConfigMap', 'nats-config')['nats.conf'] ?? '').matchAll(/nats:\/\/(\S+):6222/g)];
  const names = [
    ...nats.servers.map((server) => server.replace(/:4222$/, '')),
    ...routes.map(([, name = '']) => name),
  ];
  expect(names).toHaveLength(6);
  for (const name of names) expect(checkServerIdentity(name, certificate), name).toBeUndefined();
});

test('each series is scraped once: of admin, which shows all processes, only what nobody else has', () => {
  const rendered = render({ overlay: 'production' });
  rendered.remove();
  const monitors = rendered.manifests.filter(({ kind }) => kind === 'PodMonitor');
  const byName = (name: string) =>
    monitors.find(({ metadata }) => metadata.name === name)?.spec as {
      readonly selector: {
        readonly matchLabels?: Readonly<Record<string, string>>;
        readonly matchExpressions?: readonly { readonly values: readonly string[] }[];
      };
      readonly podMetricsEndpoints: readonly {
        readonly metricRelabelings?: readonly { readonly action: string; readonly regex: string }[];
      }[];
    };
  expect(monitors).toHaveLength(2);
  const each = byName('postrider').selector.matchExpressions?.[0]?.values ?? [];
  const admin = byName('postrider-admin');
  const deployments = rendered.manifests.filter(({ kind }) => kind === 'Deployment');
  expect([...each, admin.selector.matchLabels?.['app.kubernetes.io/name']].sort()).toEqual(
    deployments.map(({ metadata }) => metadata.name).sort(),
  );
  const [keep] = admin.podMetricsEndpoints[0]?.metricRelabelings ?? [];
  expect(keep?.action).toBe('keep');
  const isKept = (series: string): boolean => new RegExp(`^(?:${keep?.regex ?? ''})$`).test(series);
  expect(isKept('postrider_certificate_left_seconds;nats/nats-0.nats:4222')).toBe(true);
  expect(isKept('postrider_certificate_left_seconds;mx')).toBe(false);
  expect(isKept('postrider_mails_accepted_total;')).toBe(false);
});

test('the certificate is for the hostname', () => {
  const rendered = render({ overlay: 'production' });
  const certificate = rendered.manifests.find(({ kind }) => kind === 'Certificate');
  const site = rendered.manifests.find(({ metadata }) => metadata.name === 'postrider-config');
  rendered.remove();
  const { hostname } = parse(site?.data?.['site.yaml'] ?? '') as { hostname: string };
  expect(certificate?.spec).toMatchObject({ dnsNames: [hostname], secretName: 'smtp-tls' });
});

test('dashboard, rules and scalers ask only for metrics that there are', () => {
  const known = new Set(
    metricTable.flatMap(({ name, kind }) =>
      kind === 'histogram' ? ['bucket', 'sum', 'count'].map((series) => `${name}_${series}`) : [name],
    ),
  );
  for (const file of ['monitoring/dashboard.json', 'monitoring/rules.yaml', 'keda/scaled-objects.yaml']) {
    const text = readFileSync(join(k8sFolder, 'components', file), 'utf8');
    const asked = [...text.matchAll(/\bpostrider_[a-z_]+/g)].map(([name]) => name);
    expect(asked.length, file).toBeGreaterThan(0);
    for (const name of asked) expect(known.has(name), `${file}: ${name}`).toBe(true);
  }
});
