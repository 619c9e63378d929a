/** What a process tells the supervisor that started it, over IPC. */
export type ProcessNews =
  | { readonly news: 'ready'; readonly listening: readonly string[]; readonly instance: string }
  /** It can't start for a reason that the operator must mend. */
  | { readonly news: 'failed'; readonly text: string; readonly exitCode: number };

/**
 * Environment variable: instances, by comma, of which the supervisor has seen the process end, so that nothing of them
 * is open any more. Whoever comes in their place can say so to those who would wait for them.
 */
export const endedInstancesVariable = 'POSTRIDER_ENDED_INSTANCES';

export const endedInstances = (): readonly string[] =>
  (process.env[endedInstancesVariable] ?? '').split(',').filter((name) => name !== '');

/** @returns false when there is no supervisor */
export function tellSupervisor(news: ProcessNews): boolean {
  if (!process.send || !process.connected) return false;
  process.send(news);
  return true;
}
