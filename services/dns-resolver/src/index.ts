/** dns-resolver: mail exchangers and addresses, for every queue-manager. */
import { dnsResolver } from '@postrider/protocol';
import type { RunningService, ServiceContext, ServiceDefinition } from '@postrider/runtime';
import { AnswerCache } from './cache.js';
import { dnsEvents } from './events.js';
import { Nameservers } from './query/nameservers.js';
import { resolver } from './resolver.js';
import { settingsFrom } from './settings.js';
import { systemFiles } from './system-files.js';

export const service: ServiceDefinition = { name: 'dns-resolver', start };

async function start({ config, bus, clock, log }: ServiceContext): Promise<RunningService> {
  let settings = settingsFrom(config);
  const system = systemFiles(clock);
  const servers = () => (settings.servers.length > 0 ? settings.servers : system.resolvConf().servers);
  const nameservers = new Nameservers({ servers });
  const cache = new AnswerCache((name, type) => nameservers.ask(name, type), clock);
  const actor = resolver({ cache, events: dnsEvents(bus), system, settings: () => settings, clock });
  const hosted = await bus.host(dnsResolver, actor, { supervision: { onFault: 'resume' } });
  return {
    figures: () => ({ ...cache.figures(), queries: nameservers.queries }),
    reconfigured: (next) => {
      try {
        settings = settingsFrom(next);
        cache.clear();
      } catch (error) {
        log.error({ error: String(error) }, 'dns.servers not taken over, the old ones stay');
      }
    },
    drain: () => hosted.stop(),
  };
}
