/** JetStream of a cluster whose servers were started an instant ago: no leader yet, or peers that are not known yet. */
import { ErrorCode, NatsError } from 'nats';

/** `JSClusterNoPeersErrF` of nats-server's errors.json: too few servers are known for as many copies. */
const noSuitablePeers = 10_005;
const unavailable = 503;
const silence: readonly string[] = [ErrorCode.Timeout, ErrorCode.NoResponders];

/** @returns why JetStream can't do now what it may do in some seconds; undefined for any other error */
export function notReadyYet(error: unknown): string | undefined {
  if (!(error instanceof NatsError)) return undefined;
  const { code, api_error: refusal } = error;
  if (refusal?.err_code === noSuitablePeers || refusal?.code === unavailable)
    return `JetStream answers: ${refusal.description}`;
  if (silence.includes(code)) return 'JetStream does not answer: its servers have not found one another yet';
  return undefined;
}
