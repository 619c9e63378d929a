/**
 * Buffers of contents that pass through. V8 sees only their handles, and would let some 64 MB of them gather before it
 * looks; a collection of what is young frees them for a millisecond or two.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Of content; what the socket and the client library make of it is several times as much. */
const collectedAfterOctets = 4 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => void;
let collect: Collect | undefined;
let passed = 0;

/** So much of a large content has passed through this process. */
export function contentPassed(octets: number): void {
  passed += octets;
  if (passed < collectedAfterOctets) return;
  passed = 0;
  collect ??= collector();
  collect({ type: 'minor' });
}

/** V8 gives its collector to contexts made while the flag is set. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return gc;
}
