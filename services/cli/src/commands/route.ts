import { NobodyAnswers, type Bus } from '@postrider/bus';
import { decideRoute, type RouteTarget } from '@postrider/mail';
import { aliasExpander, dnsResolver, type LocateAnswer } from '@postrider/protocol';
import type { Config } from '@postrider/runtime';
import { isMailbox, splitMailbox } from '@postrider/smtp';
import { CommandFailed, exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { configuration, withBus } from '../connection.js';
import { parseFlags } from '../flags.js';

interface RouteTest {
  readonly address: string;
  readonly rule: string;
  readonly targets: readonly RouteTarget[];
  readonly local?: string;
  readonly located?: LocateAnswer;
  /** Why aliases and exchangers could not be looked up. */
  readonly notAsked?: string;
}

export const route: Command = {
  name: 'route',
  synopsis: ['route test ADDRESS'],
  summary: 'which rule decides for an address, and where its mail would go',
  async run(words) {
    const { values, positionals } = parseFlags(words, {}, 2);
    const [act, address = ''] = positionals;
    if (act !== 'test' || !isMailbox(address))
      throw new UsageError("say 'test' and an address, as in: route test you@example.org");
    const { config } = configuration(values.config);
    const decision = decide(address, config);
    const found = await withBus(values.config, (bus) => ask(bus, decision, config)).catch(
      (error: unknown) => {
        if (!(error instanceof CommandFailed)) throw error;
        return { ...decision, notAsked: error.message };
      },
    );
    if (values.json === true) sayJson(found);
    else say(text(found));
    return exitCodes.done;
  },
};

function decide(address: string, config: Config): RouteTest {
  const domain = splitMailbox(address).domain.toLowerCase();
  const routing = {
    localDomains: config.local.domains,
    localTarget: config.local.deliver,
    routes: new Map(Object.entries(config.routes)),
  };
  return { address, ...decideRoute(domain, routing) };
}

/** What the running services add: aliases of local addresses, exchangers of others. */
async function ask(bus: Bus, decision: RouteTest, config: Config): Promise<RouteTest> {
  const { address, rule, targets } = decision;
  const domain = splitMailbox(address).domain.toLowerCase();
  try {
    if (rule === 'local.domains') {
      const answer = await bus.ref(aliasExpander).ask('resolve', { forwardPath: address });
      return {
        ...decision,
        local: answer.result === 'expanded' ? `an alias of ${answer.members.join(', ')}` : answer.result,
      };
    }
    const [first] = targets;
    if (first?.via !== 'mx' || !config.hostname.includes('.')) return decision;
    return {
      ...decision,
      located: await bus.ref(dnsResolver).ask('locate', { domain: first.domain ?? domain }),
    };
  } catch (error) {
    if (error instanceof NobodyAnswers) return decision;
    throw error;
  }
}

function text({ address, rule, targets, local, located, notAsked }: RouteTest): string {
  const lines = [`${address}: rule ${rule}`, ...targets.map((target) => `  ${targetText(target)}`)];
  if (local !== undefined) lines.push(`  recipient: ${local}`);
  if (located?.result === 'exchangers')
    lines.push(
      ...located.exchangers.map(
        ({ preference, host, addresses }) => `  ${preference} ${host} ${addresses.join(' ')}`,
      ),
    );
  else if (located) lines.push(`  ${located.result}${'text' in located ? `: ${located.text}` : ''}`);
  if (notAsked !== undefined) lines.push(`  aliases and exchangers not asked: ${notAsked}`);
  return lines.join('\n');
}

function targetText(target: RouteTarget): string {
  switch (target.via) {
    case 'smtp':
    case 'lmtp':
      return `${target.via}://${target.host}:${target.port}`;
    case 'mx':
      return target.domain === undefined
        ? 'mx: exchangers of its domain'
        : `mx: exchangers of ${target.domain}`;
    case 'maildir':
      return `maildir: ${target.folder}`;
    case 'discard':
      return 'discard: taken and dropped';
    case 'fail':
      return `fail: ${target.text}`;
  }
}
