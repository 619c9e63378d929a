/** An ingress for specs: a clock that stands still, a spool that takes everything, everybody local. */
import { manualClock, type ManualClock } from '@postrider/actor';
import { Networks, type MailObject } from '@postrider/mail';
import { configSchema, type Logger } from '@postrider/runtime';
import type { CommitResult, MailToCommit } from '@postrider/spool';
import { Admission } from '../content/admission.js';
import { ContentBudget } from '../content/content-budget.js';
import type { Rejection } from '../events.js';
import { noCounts, type Ingress } from '../ingress.js';
import { AccessRules } from '../policy/access-rules.js';
import { clientLimits } from '../policy/client-limits.js';
import { CountedClient } from '../policy/counted-client.js';
import { NetworkLimits } from '../policy/network-limits.js';
import { roles } from '../roles.js';
import { settingsOf } from '../settings.js';
import type { SessionFacts } from '../verbs/verb.js';

export interface IngressOfTest extends Ingress {
  readonly clock: ManualClock;
  readonly mails: MailObject[];
  readonly rejections: Rejection[];
  readonly faults: unknown[];
  /** What was logged at info level. */
  readonly lines: (readonly [object, string])[];
}

/** Of a session in the clear on a listener for everybody. */
export const factsOfTest = (ingress: Ingress): SessionFacts => ({
  ingress,
  listener: 'mx',
  address: '127.0.0.1',
  limits: ingress.settings.limits,
  clients: ingress.clients,
  counted: new CountedClient(ingress.networks, {
    clients: ingress.clients,
    limits: ingress.settings.limits,
  }),
  role: roles.mx,
  offersTls: true,
  xclientFrom: new Networks([]),
});

export function ingressOfTest(config: object = {}): IngressOfTest {
  const mails: MailObject[] = [];
  const rejections: Rejection[] = [];
  const faults: unknown[] = [];
  const lines: (readonly [object, string])[] = [];
  const ignore = (): void => undefined;
  const log: Logger = {
    debug: ignore,
    info: (facts, text) => lines.push([facts, text]),
    warn: ignore,
    error: (facts) => faults.push(facts),
    child: () => log,
  };
  let ids = 0;
  const clock = manualClock();
  const ingress: IngressOfTest = {
    settings: settingsOf(configSchema.parse({ hostname: 'mx.example.org', ...config })),
    clock,
    log,
    mails,
    rejections,
    faults,
    lines,
    events: { accepted: ignore, rejected: (rejection) => rejections.push(rejection) },
    budget: new ContentBudget(),
    admission: new Admission(clock),
    newMailId: () => `id${++ids}`,
    resolve: () => Promise.resolve({ result: 'local' }),
    nameOf: () => Promise.resolve(undefined),
    startQueue: () => Promise.resolve(0),
    access: new AccessRules(configSchema.parse(config).access, log),
    clients: clientLimits(clock, () => ingress.settings),
    networks: new NetworkLimits(clock, () => ingress.settings),
    counts: noCounts(),
    writer: {
      shard: '0',
      room: () => 'ok',
      drained: () => Promise.resolve(),
      figures: () => ({}),
      commit(mail): Promise<CommitResult> {
        mails.push(wholeOf(mail));
        return Promise.resolve({ result: 'committed', shard: '0', sequence: mails.length });
      },
      beginLarge: (contentId) => ({
        shard: '0',
        gathersInOctets: 64 * 1024,
        write: () => Promise.resolve(),
        finish: () => Promise.resolve({ chunks: 1, octets: 1, sha256: '', contentId }),
        abandon: () => Promise.resolve(),
      }),
    },
  };
  return ingress;
}

function wholeOf({ envelope, content }: MailToCommit): MailObject {
  return content === undefined ? { envelope } : { envelope, content: Buffer.concat([content].flat()) };
}
