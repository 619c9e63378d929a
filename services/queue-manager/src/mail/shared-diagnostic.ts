/** Thousands of mails wait for the same reason: they share one value of it. */
import type { Diagnostic } from '@postrider/mail';
import { BoundedMap } from '../bounded-map.js';

/** Reasons remembered; one that is forgotten is only kept twice. */
const remembered = 1_000;
const known = new BoundedMap<string, Diagnostic>(remembered);

export function sharedDiagnostic(diagnostic: Diagnostic): Diagnostic {
  const key = `${diagnostic.status} ${diagnostic.remoteMta ?? ''} ${diagnostic.text}`;
  const shared = known.get(key);
  if (shared !== undefined) return shared;
  known.set(key, diagnostic);
  return diagnostic;
}
