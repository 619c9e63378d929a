/**
 * greeting → EHLO (or HELO, LHLO) → [STARTTLS → handshake → EHLO] → ready
 *
 * The beginning of a session, as a state machine: takes replies, gives what is to be written. RFC 5321 §3.1, §3.2; RFC 3207.
 */
import { parseExtensions, type ServerReply } from '@postrider/smtp';
import { offerOf, type Offer, type TlsProof } from './offer.js';
import type { Stage } from './stages.js';
import { endsSession, greetingRefused, helloRefused, isUnderstood, type Refusal } from './trouble.js';

export interface HelloOptions {
  /** Name of the exchanger. */
  readonly host: string;
  readonly lmtp: boolean;
  /** Our name. */
  readonly ehlo: string;
  /** STARTTLS where it is offered. */
  readonly tls: boolean;
}

export interface HelloOutput {
  write(text: string): void;
  /** Begins the TLS handshake; `encrypted` follows. */
  encrypt(): void;
  ready(offer: Offer): void;
  /** This exchanger takes no mail from us. */
  refuse(refusal: Refusal): void;
}

type HelloStage = Extract<Stage, 'greeting' | 'ehlo' | 'helo' | 'starttls' | 'handshake'>;

export class Hello {
  stage: HelloStage = 'greeting';
  /** All that is said from now on is encrypted. */
  secured = false;
  #tls: TlsProof = 'none';
  readonly #options: HelloOptions;
  readonly #output: HelloOutput;
  #offer: Offer;
  readonly #on: Readonly<Record<HelloStage, (reply: ServerReply) => void>> = {
    greeting: (reply) => this.#greeted(reply),
    ehlo: (reply) => (this.#accepted(reply) ? this.#extended(reply) : this.#withoutExtensions(reply)),
    helo: (reply) => (this.#accepted(reply) ? this.#output.ready(this.#offer) : this.#refuse(reply)),
    starttls: (reply) => this.#startTls(reply),
    // Octets in the clear while the handshake is under way can't be one's reply.
    handshake: (reply) => this.#refuse(reply),
  };

  constructor(options: HelloOptions, output: HelloOutput) {
    this.#options = options;
    this.#output = output;
    this.#offer = offerOf(new Map(), options, this.#tls);
  }

  replied(reply: ServerReply): void {
    this.#on[this.stage](reply);
  }

  /** RFC 3207 §4.2: what was known before is forgotten. */
  encrypted(tls: Exclude<TlsProof, 'none'>): void {
    this.secured = true;
    this.#tls = tls;
    this.#hello();
  }

  #greeted(reply: ServerReply): void {
    if (this.#accepted(reply)) this.#hello();
    else this.#output.refuse(greetingRefused(reply, this.#offer.host));
  }

  #accepted(reply: ServerReply): boolean {
    return reply.code < 300 && isUnderstood(this.stage, reply);
  }

  #hello(): void {
    this.#say('ehlo', `${this.#options.lmtp ? 'LHLO' : 'EHLO'} ${this.#options.ehlo}\r\n`);
  }

  #extended(reply: ServerReply): void {
    const extensions = parseExtensions(reply.lines);
    this.#offer = offerOf(extensions, this.#options, this.#tls);
    if (this.#options.tls && !this.secured && extensions.has('STARTTLS'))
      this.#say('starttls', 'STARTTLS\r\n');
    else this.#output.ready(this.#offer);
  }

  /** RFC 5321 §3.2: a server that knows no EHLO is greeted with HELO. */
  #withoutExtensions(reply: ServerReply): void {
    if (reply.code >= 500 && !this.#options.lmtp) this.#say('helo', `HELO ${this.#options.ehlo}\r\n`);
    else this.#refuse(reply);
  }

  /** RFC 3207 §4: with 454 and the like it goes on unencrypted, in the same session. */
  #startTls(reply: ServerReply): void {
    if (reply.code === 220) {
      this.stage = 'handshake';
      this.#output.encrypt();
    } else if (endsSession(reply)) this.#refuse(reply);
    else this.#output.ready(this.#offer);
  }

  #refuse(reply: ServerReply): void {
    this.#output.refuse(helloRefused(reply, this.#offer.host));
  }

  #say(stage: 'ehlo' | 'helo' | 'starttls', command: string): void {
    this.stage = stage;
    this.#output.write(command);
  }
}
