/** JetStream of a cluster whose servers were started an instant ago: no leader yet, or peers that are not known yet. */
import { ErrorCode, NatsError } from 'nats';

/** `JSClusterNoPeersErrF` and `JSClusterNotAvailErr` of nats-server's errors.json. */
const passing: readonly (number | undefined)[] = [10_005, 10_008];
const silence: readonly string[] = [ErrorCode.Timeout, ErrorCode.NoResponders];

/** @returns why JetStream can't do now what it may do in some seconds; undefined for any other error */
export function notReadyYet(error: unknown): string | undefined {
  if (!(error instanceof NatsError)) return undefined;
  const { code, api_error: refusal } = error;
  if (refusal !== undefined && passing.includes(refusal.err_code))
    return `JetStream answers: ${refusal.description}`;
  if (silence.includes(code)) return 'JetStream does not answer: its servers have not found one another yet';
  return undefined;
}
