/** How many channels a site should have here, and what they carry. Pure; the numbers were found by measurement. */
import type { Channel, Site } from './site.js';

/** In flight on one channel: enough that it never waits for the owner's answer to a result. */
const mailsInFlight = 16;
const octetsInFlight = 1024 * 1024;
/** A channel is opened for each so many mails: few mails share a connection, many get connections. */
const mailsAChannel = 4;

/** @param limit channels a site; @param now monotonic */
export function channelsWanted(site: Site, limit: number, now: number): number {
  if (site.waits + site.inFlight === 0) return 0;
  // After a failure one connection finds out whether the site is back.
  if (site.failures > 0) return 1;
  const cap = site.cap !== undefined && site.cap.until > now ? site.cap.channels : limit;
  // One that carries a mail alone carries no others.
  let reserved = site.alone.length > 0 ? 1 : 0;
  for (const channel of site.channels) if (channel.reserved) reserved = 1;
  const together = site.waiting.length + site.inFlight - reserved;
  return Math.max(1, Math.min(limit, cap, Math.ceil(Math.max(0, together) / mailsAChannel) + reserved));
}

/** The open channel with the fewest mails in flight that can take so many octets more. */
export function roomiest(site: Site, octets: number): Channel | undefined {
  let best: Channel | undefined;
  for (const channel of site.channels) {
    if (channel.closing || channel.reserved || channel.inFlight.size >= mailsInFlight) continue;
    if (channel.octets > 0 && channel.octets + octets > octetsInFlight) continue;
    if (best === undefined || channel.inFlight.size < best.inFlight.size) best = channel;
  }
  return best;
}

/** The open channel that will be empty first. */
export function emptiest(site: Site): Channel | undefined {
  let best: Channel | undefined;
  for (const channel of site.channels) {
    if (channel.closing) continue;
    if (best === undefined || channel.inFlight.size < best.inFlight.size) best = channel;
  }
  return best;
}
