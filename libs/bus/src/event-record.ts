/** Events and gauges as JSON, with the fields that all of them have. */
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface EventOptions {
  readonly id?: string;
  /** Milliseconds since the epoch. */
  readonly at?: number;
}

/** What each event and gauge of this process says of it. */
export interface Speaker {
  readonly instance: string;
  readonly version: string;
}

const processIds = randomBytes(6).toString('hex');
let events = 0;

export function eventRecord(speaker: Speaker, service: string, event: string, facts: object, options: EventOptions = {}) {
  return {
    id: options.id ?? `${processIds}-${(events++).toString(36)}`,
    at: new Date(options.at ?? Date.now()).toISOString(),
    service,
    event,
    instance: speaker.instance,
    ...facts,
  };
}

const loopDelay = monitorEventLoopDelay({ resolution: 20 });
loopDelay.enable();

export function statusRecord(speaker: Speaker, service: string, figures: object) {
  return {
    at: new Date().toISOString(),
    service,
    instance: speaker.instance,
    version: speaker.version,
    uptimeInSeconds: Math.round(process.uptime()),
    memoryInOctets: process.memoryUsage.rss(),
    // The histogram counts the timer's own 20 ms: what is beyond them is lag.
    eventLoopLagInMilliseconds: Math.max(0, Math.round(loopDelay.percentile(99) / 1e6 - 20)),
    ...figures,
  };
}
