/**
 * lhlo = "LHLO" SP ( Domain / address-literal ) CRLF
 * EHLO of LMTP, with the same reply (RFC 2033 §4.1).
 */
import { defineVerb } from './verb.js';
import { greet, greetingRow } from './ehlo.js';

export const lhlo = defineVerb({
  ...greetingRow,
  name: 'LHLO',
  syntax: 'LHLO domain',
  act: (argument, _, facts) => greet(argument, 'LMTP', facts),
});
