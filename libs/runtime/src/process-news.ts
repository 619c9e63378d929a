/** What a process tells the supervisor that started it, over IPC. */
export type ProcessNews =
  | { readonly news: 'ready'; readonly listening: readonly string[] }
  /** It can't start for a reason that the operator must mend. */
  | { readonly news: 'failed'; readonly text: string; readonly exitCode: number };

/** @returns false when there is no supervisor */
export function tellSupervisor(news: ProcessNews): boolean {
  if (!process.send || !process.connected) return false;
  process.send(news);
  return true;
}
