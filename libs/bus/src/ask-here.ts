/** Asks an actor of this process: no octets, no promise but the asker's, no deadline where it answers at once. */
import type { Delivery, Milliseconds } from '@postrider/actor';
import type { Deadlines, Waiting } from './deadlines.js';
import { DeadlineExceeded } from './errors.js';
import type { HostedActor } from './hosted-actors.js';

export function askHere(
  hosted: HostedActor,
  delivery: Omit<Delivery, 'done'>,
  deadline: Milliseconds,
  deadlines: Deadlines,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked: { answered: boolean; waiting?: Waiting } = { answered: false };
    const done = (fault: Error | undefined, answer: unknown): void => {
      asked.answered = true;
      if (asked.waiting) deadlines.remove(asked.waiting);
      if (fault) reject(fault);
      else resolve(answer);
    };
    hosted.take({ ...delivery, done });
    if (asked.answered) return;
    asked.waiting = deadlines.add(deadline, () =>
      reject(new DeadlineExceeded(`${delivery.message}: no answer within ${deadline} ms`)),
    );
  });
}

/** A notice may be lost: whoever sends it has no use for its errors, and its fault is in the log. */
export const tellHere = (hosted: HostedActor, delivery: Omit<Delivery, 'done'>): void =>
  hosted.take({ ...delivery, done: () => undefined });
