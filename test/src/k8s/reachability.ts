/** What NetworkPolicies mean: who reaches whom on which port. Policies add up; a pod that none selects for a direction is open in it. */
import { podOf, type Manifest } from './render.js';

export interface Place {
  readonly name: string;
  /** Of a pod; nobody's policy selects a place without. */
  readonly labels: Labels;
  /** Labels of its namespace; `undefined`: outside of the cluster. */
  readonly namespace: Labels | undefined;
  /** Named ports of its containers. */
  readonly ports: ReadonlyMap<string, number>;
}

export interface Port {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

type Labels = Readonly<Record<string, string>>;
type Direction = 'Ingress' | 'Egress';

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number | string; readonly protocol?: string }[];
}

interface Policy {
  readonly podSelector: Selector;
  readonly policyTypes: readonly Direction[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/** The namespace's own label, which Kubernetes gives to each. */
export const namespaceNamed = (name: string): Labels => ({ 'kubernetes.io/metadata.name': name });

/** A place for each workload, by its name. */
export function placesOf(manifests: readonly Manifest[]): readonly Place[] {
  return manifests.flatMap((manifest) => {
    const pod = podOf(manifest);
    if (!pod) return [];
    const { template } = manifest.spec as { template: { metadata: { labels: Labels } } };
    const ports = pod.containers.flatMap((container) => container.ports ?? []);
    return {
      name: manifest.metadata.name,
      labels: template.metadata.labels,
      namespace: namespaceNamed('postrider'),
      ports: new Map(ports.map(({ name, containerPort }) => [name, containerPort])),
    };
  });
}

/** @returns whether the policies of namespace postrider let `from` open a connection to `to` */
export function reaches(manifests: readonly Manifest[], from: Place, to: Place, port: Port): boolean {
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as Policy);
  const isLet = (direction: Direction, self: Place, peer: Place): boolean => {
    const its = policies.filter(
      ({ podSelector, policyTypes }) =>
        isOurs(self) && policyTypes.includes(direction) && selects(podSelector, self.labels),
    );
    const rules = its.flatMap(({ ingress, egress }) => (direction === 'Ingress' ? ingress : egress) ?? []);
    return its.length === 0 || rules.some((rule) => isNamed(rule, peer) && isOn(rule, to, port));
  };
  return isLet('Egress', from, to) && isLet('Ingress', to, from);
}

const isOurs = ({ namespace }: Place): boolean => namespace?.['kubernetes.io/metadata.name'] === 'postrider';

/** A rule without peers is for everybody. */
function isNamed({ from, to }: Rule, place: Place): boolean {
  const peers = from ?? to;
  if (!peers) return true;
  return peers.some(({ podSelector, namespaceSelector }) => {
    if (place.namespace === undefined) return false;
    const inNamespace = namespaceSelector ? selects(namespaceSelector, place.namespace) : isOurs(place);
    return inNamespace && selects(podSelector ?? {}, place.labels);
  });
}

function isOn({ ports }: Rule, target: Place, { port, protocol }: Port): boolean {
  if (!ports) return true;
  return ports.some((each) => {
    const number = typeof each.port === 'number' ? each.port : target.ports.get(each.port);
    return number === port && (each.protocol ?? 'TCP') === protocol;
  });
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key, operator, values }) => {
      if (operator !== 'In') throw new Error(`operator ${operator} is not known here`);
      return values.includes(labels[key] ?? '');
    })
  );
}
