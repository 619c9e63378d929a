/**
 * smtp-ingress: takes mail by SMTP (RFC 5321) and commits it to the spool; 250 only when it is durable.
 * receives  SMTP, and `submit` (libs/protocol smtp-ingress.ts)
 * gives     mail objects to the spool, `hint` to the shard's owner, events accepted and rejected
 * keeps     nothing that must outlive it
 */
import { randomBytes } from 'node:crypto';
import type { Bus } from '@postrider/bus';
import { mailIdSource } from '@postrider/mail';
import { aliasExpander, shard as shardProtocol, smtpIngress } from '@postrider/protocol';
import type { RunningService, ServiceContext, ServiceDefinition } from '@postrider/runtime';
import { shardNames, type SpoolWriter } from '@postrider/spool';
import { ContentBudget } from './content/content-budget.js';
import { ingressEvents } from './events.js';
import { noCounts, type Ingress } from './ingress.js';
import { Listeners } from './listener.js';
import { settingsOf } from './settings.js';
import { submitBehaviour } from './submit.js';

export const service: ServiceDefinition = { name: 'smtp-ingress', start };

/** Random octets that a process' mail ids begin with. */
const seedInOctets = 8;

async function start(context: ServiceContext): Promise<RunningService> {
  const ingress = ingressOf(context);
  const listeners = new Listeners(ingress, context.config.data_dir);
  await listeners.open(context.config.listeners);
  const submit = await context.bus.host(smtpIngress, submitBehaviour(ingress));
  const { counts, budget, writer } = ingress;
  return {
    listening: listeners.listening,
    figures: () => ({ ...counts, contentHeldInOctets: budget.used, ...writer.figures() }),
    reconfigured: (config) => {
      ingress.settings = settingsOf(config);
    },
    async drain() {
      submit.pause();
      await listeners.drain();
      await submit.stop();
      await writer.drained();
    },
  };
}

function ingressOf({ config, bus, spool, clock, log }: ServiceContext): Ingress {
  const aliases = bus.ref(aliasExpander);
  return {
    settings: settingsOf(config),
    clock,
    log,
    events: ingressEvents(bus),
    writer: writerOf(spool, bus, config.spool.shards),
    budget: new ContentBudget(),
    newMailId: mailIdSource(() => clock.now(), randomBytes(seedInOctets)),
    resolve: (forwardPath) => aliases.ask('resolve', { forwardPath }),
    counts: noCounts(),
  };
}

function writerOf(spool: ServiceContext['spool'], bus: Bus, shards: number): SpoolWriter {
  const names = shardNames(shards);
  const owners = new Map(names.map((name) => [name, bus.ref(shardProtocol, name)]));
  return spool.writer({
    shards: names,
    committed: (name, sequence) => owners.get(name)?.tell('hint', { sequence }),
  });
}
