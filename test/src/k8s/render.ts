/** An overlay as an operator would use it: copied, given its secrets and its own site.yaml, rendered by kubectl. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments, parseDocument } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

export interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly enableServiceLinks?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly containers: readonly [Container, ...Container[]];
  readonly volumes?: readonly Volume[];
  readonly topologySpreadConstraints?: readonly { readonly topologyKey: string }[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath?: string;
  }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly resources?: { readonly requests?: object; readonly limits?: { readonly memory?: string } };
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: {
    readonly secretName: string;
    readonly items?: readonly { key: string; path: string }[];
  };
}

export interface Rendered {
  readonly manifests: readonly Manifest[];
  /** What make-secrets.sh made of a certificate for SMTP, for those who play cert-manager. */
  readonly smtpTls: Readonly<Record<'tls.crt' | 'tls.key', string>>;
  remove(): void;
}

export const k8sFolder = fileURLToPath(new URL('../../../k8s', import.meta.url));
const commandLine = fileURLToPath(new URL('../../../services/cli/bin/postrider.js', import.meta.url));

export interface RenderOptions {
  readonly overlay: 'production' | 'kind';
  readonly shards?: number;
  /** Folders of k8s/components that the overlay takes in besides its own. */
  readonly components?: readonly string[];
  /** In place of the overlay's. */
  readonly site?: string;
  /** More names in NATS's certificate, as `IP:127.0.0.1`. */
  readonly natsNames?: readonly string[];
}

export function render(options: RenderOptions): Rendered {
  const { overlay, shards = 2, components = [], site, natsNames = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'postrider-k8s-'));
  cpSync(k8sFolder, folder, { recursive: true, filter: (path) => !path.includes('/secrets') });
  const target = join(folder, 'overlays', overlay);
  if (site !== undefined) writeFileSync(join(target, 'site.yaml'), site);
  const kustomization = join(target, 'kustomization.yaml');
  const document = parseDocument(readFileSync(kustomization, 'utf8'));
  for (const component of components) document.addIn(['components'], `../../components/${component}`);
  writeFileSync(kustomization, document.toString());
  // As in the repository: the script finds the command line beside its folder.
  const script = join(k8sFolder, 'make-secrets.sh');
  execFileSync(script, [target, String(shards)], {
    env: { ...process.env, NATS_NAMES: natsNames.join(','), POSTRIDER_PROGRAM: commandLine },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  // Renders only; must not look for a cluster.
  const text = execFileSync('kubectl', ['kustomize', target], {
    env: { ...process.env, KUBECONFIG: '/dev/null' },
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  return {
    manifests: parseAllDocuments(text).map((each) => each.toJS() as Manifest),
    smtpTls: { 'tls.crt': secretFile(target, 'tls.crt'), 'tls.key': secretFile(target, 'tls.key') },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const secretFile = (overlay: string, name: string): string =>
  readFileSync(join(overlay, 'secrets/smtp-tls', name), 'utf8');

/** The pod that a Deployment, StatefulSet or Job makes. */
export function podOf({ spec }: Manifest): PodSpec | undefined {
  return (spec as { template?: { spec?: PodSpec } } | undefined)?.template?.spec;
}

/** What a scaler keeps at least of a Deployment; `undefined`: no scaler names it. */
export function leastReplicas(manifests: readonly Manifest[], deployment: string): number | undefined {
  const scaler = manifests.find(
    ({ kind, spec }) =>
      (kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject') &&
      (spec as { scaleTargetRef: { name: string } }).scaleTargetRef.name === deployment,
  );
  const { minReplicas, minReplicaCount } = (scaler?.spec ?? {}) as Readonly<Record<string, number>>;
  return minReplicas ?? minReplicaCount;
}
