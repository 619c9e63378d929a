/**
 * `node dist/sink/sink-main.js '{"port": 2526, "rules": {...}}'`: a sink by itself. Options as JSON; by hand it says
 * where it listens, and at SIGINT or SIGTERM prints its report as JSON. Started by sink-process.ts it speaks IPC.
 */
import { startSink, type Sink } from './sink.js';
import type { SinkNews, SinkOrder, SinkProcessOptions } from './sink-process.js';

/** How old the count at the parent may be. */
const countEvery = 50;

const options = JSON.parse(process.argv[2] ?? '{}') as SinkProcessOptions;
const tell = (news: SinkNews): void => void process.send?.(news);
try {
  const sink = await startSink(options);
  if (process.send === undefined) byHand(sink);
  else asChild(sink);
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  if (process.send === undefined) process.stderr.write(`sink: ${text}\n`);
  else tell({ news: 'failed', text });
  process.exitCode = 1;
  if (process.connected) process.disconnect();
}

function byHand(running: Sink): void {
  process.stderr.write(`sink: listening on ${running.host}:${running.port}\n`);
  const end = (): void => {
    process.stdout.write(`${JSON.stringify(running.report(), undefined, 2)}\n`, () => process.exit(0));
  };
  process.once('SIGINT', end).once('SIGTERM', end);
}

function asChild(running: Sink): void {
  tell({ news: 'listening', host: running.host, port: running.port });
  let told = 0;
  setInterval(() => {
    if (running.count() === told) return;
    told = running.count();
    tell({ news: 'count', mails: told });
  }, countEvery);
  process.on('message', (message) => {
    const order = message as SinkOrder;
    if (order.order === 'report') tell({ news: 'report', report: running.report() });
    else running.behave(order.rules);
  });
  process.once('disconnect', () => process.exit(0));
  // Ctrl-C goes to the whole group; the parent decides when the sink ends.
  process.on('SIGINT', () => undefined);
}
