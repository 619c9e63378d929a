/**
 * What nats 2.29 does when its first connection ends: it dials the same server again before any other. One that takes
 * connections and says nothing costs three seconds so, in which its leases are not renewed.
 */
import { Servers } from 'nats/lib/nats-base-client/servers.js';

const begun = new WeakSet<Servers>();

/** Once a process: client-library.ts sees to it. */
export function mendFirstReconnect(): void {
  const servers = Servers.prototype;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the servers that it is asked of
  const { selectServer } = servers;
  servers.selectServer = function (this: Servers) {
    const left = begun.has(this) ? this.getCurrentServer() : undefined;
    begun.add(this);
    const next = selectServer.call(this);
    return next !== undefined && next === left ? selectServer.call(this) : next;
  };
}
