/**
 * ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
 * helo = "HELO" SP Domain CRLF
 * Begins a session or begins it anew: a transaction is dropped (RFC 5321 §4.1.1.1, §4.1.4).
 */
import { parseEhloArgument, plainReply, type Reply } from '@postrider/smtp';
import { extensions } from '../extensions.js';
import { syntaxError } from '../session/replies.js';
import type { Client } from '../session/session-state.js';
import { anyTime, defineVerb, type SessionFacts, type Step } from './verb.js';

export const greetingRow = { allowedIn: anyTime, replies: [250, 504, 550, 502], lastInGroup: true };

export const ehlo = defineVerb({
  ...greetingRow,
  name: 'EHLO',
  syntax: 'EHLO domain',
  act: (argument, _, facts) => greet(argument, 'ESMTP', facts),
});

/** HELO clients get no extension (RFC 5321 §4.1.1.1). */
export const helo = defineVerb({
  ...greetingRow,
  name: 'HELO',
  syntax: 'HELO domain',
  act: (argument, _, facts) => greet(argument, 'SMTP', facts),
});

export function greet(argument: string, protocol: Client['protocol'], facts: SessionFacts): Step {
  const parsed = parseEhloArgument(argument);
  if (!parsed.ok) return { reply: syntaxError(parsed, '5.5.4') };
  return {
    reply:
      protocol === 'SMTP'
        ? plainReply(250, facts.ingress.settings.hostname)
        : extensionsShown(parsed.value, facts),
    state: { name: 'ready', client: { helo: parsed.value, protocol } },
  };
}

/** ehlo-ok-rsp (RFC 5321 §4.1.1.1), out of the tables of extensions and verbs. */
function extensionsShown(helo: string, facts: SessionFacts): Reply {
  const { ingress, role } = facts;
  const shown = extensions.flatMap(({ keyword, shown, offered }) =>
    offered?.(facts) === false ? [] : [shown ? `${keyword} ${shown(facts)}` : keyword],
  );
  const announced = [...role.verbs.values()].flatMap(({ name, announced }) =>
    announced(facts) ? [name] : [],
  );
  return plainReply(250, `${ingress.settings.hostname} greets ${helo}`, ...shown, ...announced);
}
