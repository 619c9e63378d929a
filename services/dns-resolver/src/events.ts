/** Facts that dns-resolver publishes, on `mta.events.dns-resolver.<event>`. */
import type { Bus } from '@postrider/bus';
import type { LocateAnswer } from '@postrider/protocol';

export interface DnsEvents {
  /** A lookup that went to a nameserver. */
  located(domain: string, answer: LocateAnswer, milliseconds: number): void;
}

export function dnsEvents(bus: Pick<Bus, 'publishEvent'>): DnsEvents {
  return {
    located: (domain, answer, milliseconds) =>
      bus.publishEvent('dns-resolver', 'located', {
        domain,
        result: answer.result,
        exchangers: answer.result === 'exchangers' ? answer.exchangers.map(({ host }) => host) : [],
        ms: Math.round(milliseconds),
      }),
  };
}
