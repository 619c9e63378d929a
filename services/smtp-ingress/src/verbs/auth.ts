/**
 * auth-command = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response] CRLF
 * The client shows who it is, by a mechanism of SASL (RFC 4954 §4). Every failure takes longer to be told than the one
 * before, and says no more than that it failed.
 */
import { prepared, type Mechanism, type SaslExchange, type SaslStep } from '@postrider/auth';
import { limits, plainReply, reply, type CommandLine } from '@postrider/smtp';
import { mechanismsOf, type ListenerAuth } from '../auth/listener-auth.js';
import { clientOf } from '../policy/client-limits.js';
import { defineVerb, type SessionFacts, type Step } from './verb.js';

const notOffered = reply(502, '5.5.1', 'AUTH is not offered here');
const ehloFirst = reply(503, '5.5.1', 'Send EHLO first');
const isAuthenticated = reply(503, '5.5.1', 'You have authenticated already');
const badSyntax = reply(501, '5.5.4', 'Use AUTH mechanism [initial-response]');
const needsTls = reply(538, '5.7.11', 'Encryption required: send STARTTLS first');
const noSuchMechanism = reply(504, '5.5.4', 'This mechanism is not offered');
const barred = reply(454, '4.7.0', 'Too many failures, try again later');
const tooLong = reply(500, '5.5.6', 'Authentication exchange line is too long');
const notBase64 = reply(501, '5.5.2', 'Response must be base64');
const cancelled = reply(501, '5.7.0', 'Authentication cancelled');
const malformed = reply(501, '5.5.2', 'Response makes no sense in this mechanism');
const invalid = reply(535, '5.7.8', 'Authentication credentials invalid');
const unavailable = reply(454, '4.7.0', 'Authentication can not be checked now, try again later');
const succeeded = reply(235, '2.7.0', 'Authentication succeeded');

/** sasl-mech = 1*20mech-char (RFC 4954 §8) */
const command = /^([A-Za-z0-9_-]{1,20})(?: +(\S+))?$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const auth = defineVerb({
  name: 'AUTH',
  syntax: 'AUTH mechanism [initial-response]',
  allowedIn: ['ready'],
  replies: [235, 334, 432, 454, 500, 501, 502, 503, 504, 534, 535, 538],
  lastInGroup: true,
  act(argument, { client }, facts) {
    const { auth, identity, tls, address } = facts;
    if (!auth) return { reply: notOffered };
    if (client.protocol === 'SMTP') return { reply: ehloFirst };
    if (identity) return { reply: isAuthenticated };
    const [, name, initial] = command.exec(argument) ?? [];
    if (name === undefined) return { reply: badSyntax };
    if (!tls && !auth.withoutTls) return { reply: needsTls };
    const mechanism = mechanismsOf(facts).find((offered) => offered.name === name.toUpperCase());
    if (!mechanism) return { reply: noSuchMechanism };
    if (auth.guard.isBarred(addressKey(address))) return { reply: barred };
    return new AuthDialogue(mechanism, auth, facts).begin(initial);
  },
});

class AuthDialogue {
  readonly #exchange: SaslExchange;
  readonly #auth: ListenerAuth;
  readonly #facts: SessionFacts;

  constructor(mechanism: Mechanism, listener: ListenerAuth, facts: SessionFacts) {
    this.#auth = listener;
    this.#facts = facts;
    this.#exchange = mechanism.begin({
      users: listener.users,
      tokens: listener.tokens,
      binding: (type) => facts.tls?.binding(type),
      offersBinding: mechanismsOf(facts).some(({ binds }) => binds),
    });
  }

  /** `=` is an initial response without octets (RFC 4954 §4). */
  begin(initial: string | undefined): Step | Promise<Step> {
    if (initial === undefined) return this.#respond(undefined);
    return this.#decode(initial === '=' ? '' : initial);
  }

  #answer(line: CommandLine): Step | Promise<Step> {
    if (line.kind === 'refused') return { reply: line.problem === 'too-long' ? tooLong : notBase64 };
    return line.text === '*' ? { reply: cancelled } : this.#decode(line.text);
  }

  #decode(text: string): Step | Promise<Step> {
    return base64.test(text) ? this.#respond(Buffer.from(text, 'base64')) : { reply: notBase64 };
  }

  async #respond(response: Buffer | undefined): Promise<Step> {
    let step: SaslStep;
    try {
      step = await this.#exchange.respond(response);
    } catch (fault) {
      this.#facts.ingress.log.error({ fault: String(fault) }, 'credentials can not be checked');
      return { reply: unavailable };
    }
    switch (step.result) {
      case 'challenge':
        return {
          reply: plainReply(334, step.challenge.toString('base64')),
          then: { do: 'ask', maximum: limits.authLine, answer: (line) => this.#answer(line) },
        };
      case 'authenticated':
        if (this.#isBarred) return { reply: barred };
        this.#auth.guard.succeeded(addressKey(this.#facts.address), ...this.#nameKeys);
        return { reply: succeeded, facts: { identity: step.identity } };
      case 'failed':
        return step.why === 'malformed' ? { reply: malformed } : this.#failed();
    }
  }

  /** A right password is no better than a wrong one as long as the name is barred, or the address has come to be. */
  async #failed(): Promise<Step> {
    const { guard } = this.#auth;
    const isBarred = this.#isBarred;
    const delay = guard.failed(addressKey(this.#facts.address), ...this.#nameKeys);
    await new Promise<void>((resolve) => void this.#facts.ingress.clock.after(delay, resolve));
    return { reply: isBarred ? barred : invalid };
  }

  /** The address, too: many sessions of it may have begun at once. */
  get #isBarred(): boolean {
    return this.#auth.guard.isBarred(addressKey(this.#facts.address), ...this.#nameKeys);
  }

  /** In the form in which it is looked up. None where no name was given: an access token need not come with one. */
  get #nameKeys(): readonly string[] {
    const { name } = this.#exchange;
    return name === undefined ? [] : [`name ${prepared(name) ?? name}`];
  }
}

const addressKey = (address: string): string => `address ${clientOf(address)}`;
