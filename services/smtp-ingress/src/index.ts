/**
 * smtp-ingress: takes mail by SMTP (RFC 5321) and commits it to the spool; 250 only when it is durable.
 * receives  SMTP, and `submit` (libs/protocol smtp-ingress.ts)
 * gives     mail objects to the spool, `hint` to the shard's owner, events accepted and rejected
 * keeps     nothing that must outlive it
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AuthGuard, jwksTokens, UsersFile, UsersFileError, type BearerTokens } from '@postrider/auth';
import type { Bus } from '@postrider/bus';
import { mailIdSource } from '@postrider/mail';
import { aliasExpander, dnsResolver, shard as shardProtocol, smtpIngress } from '@postrider/protocol';
import {
  authMode,
  StartError,
  type RunningService,
  type ServiceContext,
  type ServiceDefinition,
} from '@postrider/runtime';
import { shardNames, type SpoolWriter } from '@postrider/spool';
import type { Authentication } from './auth/listener-auth.js';
import { Admission } from './content/admission.js';
import { ContentBudget } from './content/content-budget.js';
import { ingressEvents } from './events.js';
import { noCounts, type Ingress } from './ingress.js';
import { Listeners } from './listener.js';
import { clientLimits } from './policy/client-limits.js';
import { NetworkLimits } from './policy/network-limits.js';
import { AccessRules } from './policy/access-rules.js';
import { queueStart } from './queue-start.js';
import { settingsOf } from './settings.js';
import { submitBehaviour } from './submit.js';

export const service: ServiceDefinition = { name: 'smtp-ingress', start };

/** Failures to authenticate are remembered as long. */
const withinMilliseconds = 10 * 60_000;
/** Random octets that a process' mail ids begin with. */
const seedInOctets = 8;

async function start(context: ServiceContext): Promise<RunningService> {
  const ingress = ingressOf(context);
  const authentication = authenticationOf(context, () => ingress.settings.limits.auth_failures);
  const listeners = new Listeners(ingress, context.config.data_dir, authentication);
  await listeners.open(context.config.listeners);
  const submit = await context.bus.host(smtpIngress, submitBehaviour(ingress));
  const { counts, budget, admission, writer } = ingress;
  return {
    listening: listeners.listening,
    figures: () => ({
      ...counts,
      contentHeldInOctets: budget.used,
      waitingToSend: admission.waiting,
      certificateLeftInSeconds: listeners.certificatesLeft(),
      ...writer.figures(),
    }),
    reconfigured: (config) => {
      ingress.settings = settingsOf(config);
      ingress.access.reconfigured(config.access);
    },
    async drain() {
      submit.pause();
      await listeners.drain();
      authentication?.users.stop();
      ingress.access.stop();
      await submit.stop();
      await writer.drained();
    },
  };
}

/** @returns undefined where no listener offers AUTH; @throws StartError for a users' file that is not good */
function authenticationOf(
  context: ServiceContext,
  limit: () => number,
): (Authentication & { users: UsersFile }) | undefined {
  const { config, log, clock } = context;
  const offered = Object.values(config.listeners).some((listener) => authMode(listener) !== 'off');
  if (!offered) return undefined;
  const file = config.users.file || join(config.data_dir, 'users');
  try {
    const users = new UsersFile(file, {
      reloaded: (count) => log.info({ file, users: count }, 'users read'),
      failed: (problem) => log.error({ file, problem }, 'bad users file: the old users stay'),
    });
    const tokens = tokensOf(context);
    const shared = tokens === undefined ? {} : { tokens };
    return {
      ...shared,
      users,
      guard: new AuthGuard({ now: () => clock.monotonic(), limit, withinMilliseconds }),
    };
  } catch (error) {
    throw error instanceof UsersFileError ? new StartError(error.message) : error;
  }
}

/** @returns undefined where none are taken; @throws StartError for a file of keys that is not good */
function tokensOf({ config: { oauth }, log }: ServiceContext): BearerTokens | undefined {
  if (oauth.issuer === '') return undefined;
  const { issuer, audience, jwks_file: file, jwks_url: url, scope } = oauth;
  const keys = url === '' ? { file } : { url };
  const names = { identityClaim: oauth.identity_claim, openidConfiguration: oauth.openid_configuration };
  try {
    return jwksTokens(
      { issuer, audience, scope, keys, ...names },
      {
        now: () => Date.now(),
        failed: (problem) => log.error({ problem }, 'bad oauth.jwks_file: the old keys stay'),
      },
    );
  } catch (error) {
    throw new StartError(`oauth.jwks_file: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function ingressOf({ config, bus, spool, clock, log }: ServiceContext): Ingress {
  const aliases = bus.ref(aliasExpander);
  const names = bus.ref(dnsResolver);
  const ingress: Ingress = {
    settings: settingsOf(config),
    clock,
    log,
    events: ingressEvents(bus),
    writer: writerOf(spool, bus, config.spool.shards),
    budget: new ContentBudget(),
    admission: new Admission(clock),
    newMailId: mailIdSource(() => clock.now(), randomBytes(seedInOctets)),
    resolve: (forwardPath) => aliases.ask('resolve', { forwardPath }),
    startQueue: queueStart(bus),
    nameOf: async (address) => {
      const answer = await names.ask('reverse', { address });
      if (answer.result === 'temporary') throw new Error(answer.text);
      return answer.result === 'name' ? answer.name : undefined;
    },
    access: new AccessRules(config.access, log),
    clients: clientLimits(clock, () => ingress.settings),
    networks: new NetworkLimits(clock, () => ingress.settings),
    counts: noCounts(),
  };
  return ingress;
}

function writerOf(spool: ServiceContext['spool'], bus: Bus, shards: number): SpoolWriter {
  const names = shardNames(shards);
  const owners = new Map(names.map((name) => [name, bus.ref(shardProtocol, name)]));
  return spool.writer({
    shards: names,
    committed: (name, sequence) => owners.get(name)?.tell('hint', { sequence }),
  });
}
