/**
 * The server's side of one connection (RFC 5321 §4): octets in, replies out. Here are the rules that all verbs share -
 * line ends, order of replies, pipelined groups, bad commands, what ends a session; what a verb does is in its file.
 *
 *   receive → lines → verb.perform → step { reply, state, then } → one write for all that came at once
 *
 * Knows no socket: `SessionOutput` is one.
 */
import {
  limits,
  LineReader,
  parseCommandLine,
  plainReply,
  renderReply,
  type Command,
  type CommandLine,
  type Reply,
} from '@postrider/smtp';
import type { ContentReceiver } from '../content/content-receiver.js';
import { endOfData } from '../verbs/index.js';
import type { TlsFacts } from '../tls/index.js';
import type { SessionFacts, Step, Then, Verb } from '../verbs/verb.js';
import { mistakeIn, Mistakes, noVerb, tooMany } from './mistakes.js';
import * as replies from './replies.js';
import type { SessionState } from './session-state.js';

export interface SessionOutput {
  /** @returns false when the client does not read: no more is done until `drained` */
  write(text: string): boolean;
  /** Nothing more will be written. @param wasAsked by the client, which sends no more */
  end(wasAsked: boolean): void;
  /** Back-pressure on the client. */
  pause(): void;
  resume(): void;
  /** What was written goes out, then the handshake begins; `secured` follows, or `disconnected`. */
  startTls(): void;
}

/** Octets that may wait behind a command that is under way. */
const inputHeldInOctets = 64 * 1024;
/** Verbs whose refusals are told as events. */
const verbsOfTransaction: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'DATA', 'BDAT', endOfData.name]);
/** Credentials that were wrong, or not looked at. */
const authFailures: ReadonlySet<number> = new Set([454, 535]);
type Chunk = Then & { readonly do: 'receive-chunk' };
type ChunkUnderWay = Chunk & { readonly verb: string; readonly reply: Reply };

export class Session {
  #facts: SessionFacts;
  readonly #output: SessionOutput;
  readonly #begunAt: number;
  #input = new LineReader();
  #state: SessionState = { name: 'greeting' };
  #isGreeted = false;
  /** While mail data is awaited. */
  #receiver: ContentReceiver | undefined;
  #receivingSince = 0;
  /** While octets of BDAT are awaited, and how many. */
  #chunk: ChunkUnderWay | undefined;
  #chunkLeft = 0;
  /** What BDAT has brought, until the last of it. */
  #chunks: ContentReceiver | undefined;
  /** While an answer is awaited. */
  #asked: (Then & { readonly do: 'ask' }) | undefined;
  /** What has to be over before more input is looked at. */
  #waitingFor: 'command' | 'client' | 'tls' | undefined;
  #paused = false;
  #replies = '';
  readonly #mistakes = new Mistakes();
  /** Who wants an end as soon as nothing is under way. */
  #endWantedBy: 'client' | 'shutdown' | undefined;

  constructor(facts: SessionFacts, output: SessionOutput) {
    this.#facts = facts;
    this.#output = output;
    this.#begunAt = facts.ingress.clock.monotonic();
  }

  /** Greets (RFC 5321 §3.1). */
  begin(): void {
    if (this.#state.name === 'closed') return;
    this.#isGreeted = true;
    this.#reply(plainReply(220, replies.banner(this.#facts)));
    this.#flush();
  }

  receive(chunk: Buffer): void {
    if (this.#state.name === 'closed') return;
    if (!this.#isGreeted) {
      this.#close(replies.beforeGreeting(this.#hostname));
      return;
    }
    this.#input.push(chunk);
    if (!this.#waitingFor) this.#run();
    else if (!this.#paused && this.#input.length > inputHeldInOctets) {
      this.#paused = true;
      this.#output.pause();
    }
  }

  /** The client reads again. */
  drained(): void {
    if (this.#waitingFor === 'client') this.#goOn();
  }

  /** TLS is up: of what was said before nothing counts, and nothing that came in the clear is read (RFC 3207 §4.2). */
  secured(tls: TlsFacts): void {
    if (this.#state.name === 'closed') return;
    this.#facts = { ...this.#facts, tls, identity: undefined };
    this.#input = new LineReader();
    this.#state = { name: 'greeting' };
    this.#goOn();
  }

  /** The client sends no more; it may still read. */
  inputEnded(): void {
    this.#endWantedBy ??= 'client';
    if (!this.#waitingFor) this.#run();
  }

  /** The client was silent, or did not read, for `limits.command_timeout` (RFC 5321 §4.5.3.2.7). */
  idle(): void {
    if (this.#waitingFor !== 'command' && this.#state.name !== 'closed')
      this.#close(replies.timeout(this.#hostname));
  }

  /** The process shuts down: ends at once when idle, else after the reply to the mail under way. */
  shutDown(): void {
    this.#endWantedBy = 'shutdown';
    if (!this.#waitingFor && !this.#isInMail) this.#run();
  }

  /** The connection is gone. What is committed stays; what was being received is dropped (RFC 5321 §4.1.1.10). */
  disconnected(): void {
    this.#state = { name: 'closed' };
    this.#receiver?.abandon();
    this.#chunks?.abandon();
    this.#receiver = this.#chunks = this.#chunk = undefined;
  }

  get #isInMail(): boolean {
    return this.#receiver !== undefined || this.#chunks !== undefined || this.#chunk !== undefined;
  }

  get #hostname(): string {
    return this.#facts.ingress.settings.hostname;
  }

  /** Does all that can be done with what has come, and answers it in one write (RFC 2920 §3.2). */
  #run(): void {
    try {
      while (!this.#waitingFor && this.#advance());
    } catch (fault) {
      this.#fail(fault);
    }
    if (this.#waitingFor || this.#state.name === 'closed') return;
    if (this.#endWantedBy === 'client') this.#close();
    else if (this.#endWantedBy === 'shutdown' && !this.#isInMail)
      this.#close(replies.shuttingDown(this.#hostname));
    else this.#flush();
  }

  /** Takes one command, or what there is of mail data. @returns false when nothing more can be done now */
  #advance(): boolean {
    if (this.#state.name === 'closed') return false;
    if (this.#receiver) return this.#receiveContent(this.#receiver);
    if (this.#chunk) return this.#receiveChunk(this.#chunk);
    if (this.#endWantedBy === 'shutdown' && !this.#isInMail) return false;
    if (!this.#isInMail && this.#isTooOld()) return false;
    if (this.#asked) return this.#receiveAnswer(this.#asked);
    const line = this.#nextLine();
    if (!line) return false;
    if (line.kind === 'line') this.#perform(parseCommandLine(line.text));
    else this.#refuse(replies.lineRefused(line.problem));
    return true;
  }

  /** An access token comes in one line with AUTH, which is longer than those of other commands. */
  #nextLine(): CommandLine | undefined {
    const { auth, identity, limits: own } = this.#facts;
    const { command_line } = own;
    if (!auth || identity) return this.#input.next(command_line);
    const line = this.#input.next(Math.max(limits.authLine, command_line));
    if (line?.kind !== 'line' || line.text.length + 2 <= command_line || /^AUTH /i.test(line.text))
      return line;
    return { kind: 'refused', problem: 'too-long' };
  }

  #perform({ verb: name, argument }: Command): void {
    const verb = this.#facts.role.verbs.get(name);
    if (!verb) this.#refuse(replies.notRecognized);
    else if (verb.lastInGroup && this.#input.length > 0 && name !== 'QUIT')
      // RFC 2920 §3.1: whoever sends on does not wait to hear how what follows will be taken.
      this.#close(replies.sentAhead(name));
    else this.#act(verb, argument);
  }

  #refuse(reply: Reply): void {
    this.#take(noVerb, { reply });
    // RFC 2920 §3.2 (6)
    this.#flush();
  }

  #act<Argument>(verb: Verb<Argument>, argument: Argument): void {
    this.#takeWhenDone(verb.name, verb.perform(argument, this.#state, this.#facts));
  }

  #takeWhenDone(verb: string, step: Step | Promise<Step>): void {
    if (step instanceof Promise) this.#await(step.then((later) => this.#take(verb, later)));
    else this.#take(verb, step);
  }

  #take(verb: string, step: Step): void {
    if (this.#state.name === 'closed') {
      // The client has gone while it was awaited.
      if (step.then && 'content' in step.then) step.then.content.abandon();
      return;
    }
    if (step.then?.do === 'receive-chunk') {
      this.#beginChunk(verb, step.then, step);
      return;
    }
    if (step.reply.code >= 400) this.#tellRejection(verb, step);
    const mistake = verb === endOfData.name ? undefined : mistakeIn(verb, step.reply);
    if (mistake && this.#mistakes.count(mistake, this.#facts.limits)) {
      this.#close(tooMany(mistake, this.#hostname));
      return;
    }
    if (verb === endOfData.name && step.reply.code === 250) this.#mistakes.forgive();
    for (let time = step.times ?? 1; time > 0; time--) this.#reply(step.reply);
    if (step.state) this.#enter(step.state);
    if (step.facts) this.#facts = { ...this.#facts, ...step.facts };
    if (step.then) this.#goOnWith(step.then);
  }

  #goOnWith(then: Then): void {
    switch (then.do) {
      case 'close':
        this.#close(undefined, then.wasAsked);
        break;
      case 'ask':
        this.#asked = then;
        break;
      case 'receive':
        this.#receiver = then.content;
        this.#receivingSince = this.#facts.ingress.clock.monotonic();
        break;
      case 'receive-chunk':
        break;
      case 'start-tls':
        this.#flush();
        this.#waitingFor = 'tls';
        this.#output.startTls();
        break;
    }
  }

  #receiveAnswer({ maximum, answer }: Then & { readonly do: 'ask' }): boolean {
    const line = this.#input.next(maximum);
    if (!line) return false;
    this.#asked = undefined;
    if (this.#input.length > 0) this.#close(replies.sentAhead('AUTH'));
    else this.#takeWhenDone('AUTH', answer(line));
    return true;
  }

  #enter(state: SessionState): void {
    this.#state = state;
    // XFORWARD is of one mail (Postfix XFORWARD_README).
    if (this.#facts.forwarded && !('transaction' in state))
      this.#facts = { ...this.#facts, forwarded: undefined };
    if (!this.#chunks || state.name === 'rcpt') return;
    this.#chunks.abandon();
    this.#chunks = undefined;
  }

  #beginChunk(verb: string, chunk: Chunk, { reply, state }: Step): void {
    if (!this.#chunks) this.#receivingSince = this.#facts.ingress.clock.monotonic();
    if (state) this.#enter(state);
    this.#chunks = chunk.content ?? this.#chunks;
    this.#chunk = { ...chunk, verb, reply };
    this.#chunkLeft = chunk.octets;
  }

  #receiveChunk({ verb, reply, last, content }: ChunkUnderWay): boolean {
    if (this.#chunkLeft > 0) {
      const arrived = this.#input.takeAll();
      if (arrived.length === 0 || this.#hasTakenTooLong()) return false;
      const octets = arrived.subarray(0, this.#chunkLeft);
      if (octets.length < arrived.length) this.#input.push(arrived.subarray(octets.length));
      this.#chunkLeft -= octets.length;
      content?.scan(octets);
      const settled = content?.settle();
      if (settled) this.#await(settled);
      return true;
    }
    this.#chunk = undefined;
    if (content && (last || content.isRefused)) {
      this.#chunks = undefined;
      this.#act(endOfData, content);
    } else this.#take(verb, { reply });
    return true;
  }

  /** @returns whether the session has been ended for it (limits.session_time) */
  #isTooOld(): boolean {
    const { ingress, limits } = this.#facts;
    if (ingress.clock.monotonic() - this.#begunAt <= limits.session_time) return false;
    this.#close(replies.tooLongSession(this.#hostname));
    return true;
  }

  /** @returns whether the session has been ended for it (limits.data_time) */
  #hasTakenTooLong(): boolean {
    const { ingress, limits } = this.#facts;
    if (ingress.clock.monotonic() - this.#receivingSince <= limits.data_time) return false;
    this.#close(replies.timeout(this.#hostname));
    return true;
  }

  #receiveContent(receiver: ContentReceiver): boolean {
    const chunk = this.#input.takeAll();
    if (chunk.length === 0 || this.#hasTakenTooLong()) return false;
    const end = receiver.scan(chunk);
    if (end === -1) {
      const settled = receiver.settle();
      if (settled) this.#await(settled);
      return false;
    }
    if (end < chunk.length) this.#input.push(chunk.subarray(end));
    this.#receiver = undefined;
    this.#act(endOfData, receiver);
    return true;
  }

  #await(underWay: Promise<void>): void {
    this.#waitingFor = 'command';
    underWay
      .catch((fault: unknown) => this.#fail(fault))
      .then(() => this.#goOn())
      .catch((fault: unknown) => this.#fail(fault));
  }

  #goOn(): void {
    this.#waitingFor = undefined;
    this.#run();
    if (!this.#paused || this.#input.length > inputHeldInOctets) return;
    this.#paused = false;
    this.#output.resume();
  }

  #reply(reply: Reply): void {
    this.#replies += renderReply(reply);
  }

  #flush(): void {
    if (this.#replies === '') return;
    const text = this.#replies;
    this.#replies = '';
    if (!this.#output.write(text)) this.#waitingFor ??= 'client';
  }

  #close(reply?: Reply, wasAsked = false): void {
    if (reply) this.#reply(reply);
    this.#flush();
    this.disconnected();
    this.#output.end(wasAsked && this.#input.length === 0);
  }

  #tellRejection(verb: string, { reply, about }: Step): void {
    if (!verbsOfTransaction.has(verb) && !authFailures.has(reply.code)) return;
    const { ingress, address, listener } = this.#facts;
    const state = this.#state;
    ingress.counts.rejected++;
    ingress.events.rejected({
      client: address,
      helo: 'client' in state ? state.client.helo : '',
      listener,
      verb,
      reply,
      ...('transaction' in state ? { reversePath: state.transaction.reversePath } : {}),
      ...(verb === 'MAIL' && about !== undefined ? { reversePath: about } : {}),
      ...(verb === 'RCPT' && about !== undefined ? { recipient: about } : {}),
    });
  }

  /** A fault ends this session and no other. */
  #fail(fault: unknown): void {
    this.#facts.ingress.log.error({ error: fault, client: this.#facts.address }, 'session ended by a fault');
    if (this.#state.name !== 'closed') this.#close(replies.fault(this.#hostname));
  }
}
