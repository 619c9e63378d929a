/** An error as one line for people: what failed and, where a cause says more, why. */
export function inOneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message : '';
  const text = cause === '' || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
  return text.split('\n').find((line) => line.trim() !== '') ?? error.name;
}
