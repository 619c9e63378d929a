/** Events and gauges as JSON, with the fields that all of them have. */
import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { EventRecord, ServiceName, StatusRecord } from '@postrider/protocol';

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

/** One fact; `now` is the time it gets unless it has one. */
export interface Fact {
  readonly service: ServiceName;
  readonly event: string;
  readonly facts: object;
  readonly now: number;
}

const processIds = randomBytes(6).toString('hex');
let events = 0;

export function eventRecord(
  { instance }: Speaker,
  { service, event, facts, now }: Fact,
  { id, at }: EventOptions = {},
): EventRecord {
  return {
    id: id ?? `${processIds}-${(events++).toString(36)}`,
    at: new Date(at ?? now).toISOString(),
    service,
    instance,
    event,
    ...facts,
  };
}

export function statusRecord({ instance, version }: Speaker, service: string, figures: object): StatusRecord {
  return {
    at: new Date().toISOString(),
    service,
    instance,
    version,
    uptimeInSeconds: Math.round(process.uptime()),
    ready: true,
    memoryInOctets: process.memoryUsage.rss(),
    eventLoopLagInMilliseconds: eventLoopLag(),
    ...figures,
  };
}

const loopResolution = 20;
const nanosecondsAMillisecond = 1e6;
/** Services of one process share the measure: it begins anew once a second at most. */
const measuredFor = 900;

let loopDelay: IntervalHistogram | undefined;
let measured = { since: 0, lag: 0 };

/** The 99th in a hundred of the last second, milliseconds. A process without gauges measures nothing. */
function eventLoopLag(): number {
  const now = performance.now();
  if (!loopDelay) {
    loopDelay = monitorEventLoopDelay({ resolution: loopResolution });
    loopDelay.enable();
    measured = { since: now, lag: 0 };
  } else if (now - measured.since > measuredFor) {
    // The histogram counts the timer's own 20 ms: what is beyond them is lag.
    const delay = Math.round(loopDelay.percentile(99) / nanosecondsAMillisecond);
    measured = { since: now, lag: Math.max(0, delay - loopResolution) };
    loopDelay.reset();
  }
  return measured.lag;
}
