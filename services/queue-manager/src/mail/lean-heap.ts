/**
 * A long queue is a heap of which nearly all stays. V8 lets a heap grow by half and more before it collects what does not:
 * with many deferred mails that is memory for nothing, and the collection it saves is cheap beside it.
 */
import { setFlagsFromString } from 'node:v8';

/** Some 30 MB. */
const manyDeferred = 50_000;
let isLean = false;

/** From then on this process collects when its heap has grown by a fifth. Once, for good. */
export function keepHeapLean(deferred: number): void {
  if (isLean || deferred < manyDeferred) return;
  isLean = true;
  setFlagsFromString('--heap-growing-percent=20');
}
