/**
 * Asks the nameservers, one after the other, until one has an answer. What all of them can't say is a temporary
 * answer, never a fault.
 */
import { randomInt } from 'node:crypto';
import type { Answer, QueryType } from '../answer.js';
import { serverText, type ServerAddress } from '../settings.js';
import { NoAnswer, overTcp, overUdp } from './exchange.js';
import { Gate } from './gate.js';
import { cnamesFollowed, encodeQuery, readResponse, type Question, type Reading } from './message.js';

export interface NameserversOptions {
  /** Asked for at each lookup: the configuration may change. */
  readonly servers: () => readonly ServerAddress[];
  /** Milliseconds for each try. */
  readonly timeout?: number;
}

/** A server that is alive answers within this, or forwards to one that does not. */
const timeoutDefault = 3_000;
/** So that a lookup ends within 9 s, and the two that make a `locate` within its deadline of 20 s. */
const tries = 3;
/** Each has a socket of its own: far below the usual limit of open files. */
const queriesAtOnce = 200;

export class Nameservers {
  readonly #options: NameserversOptions;
  readonly #gate = new Gate(queriesAtOnce);
  /** The server that answered last is asked first: a dead one costs its timeout once, not at each lookup. */
  #preferred: string | undefined;
  /** Queries sent so far. */
  queries = 0;

  constructor(options: NameserversOptions) {
    this.#options = options;
  }

  async ask<T extends QueryType>(name: string, type: T): Promise<Answer<T>> {
    let target = name;
    for (let links = 0; links <= cnamesFollowed; links++) {
      const reading = await this.#gate.pass(() => this.#askServers(target, type));
      if (reading.reading === 'answer') return reading.answer;
      if (reading.reading !== 'alias')
        return { kind: 'temporary', text: `${name} ${type}: ${textOf(reading)}` };
      target = reading.target;
    }
    return { kind: 'temporary', text: `${name} ${type}: a loop of CNAMEs` };
  }

  async #askServers<T extends QueryType>(name: string, type: T): Promise<Reading<T>> {
    const failed = new Set<string>();
    let last: Reading<T> = { reading: 'failure', text: 'no nameserver' };
    for (const server of this.#order()) {
      const text = serverText(server);
      // One that said it can't is not asked again; one that said nothing may have lost the packet.
      if (failed.has(text)) continue;
      last = await this.#askOne(server, name, type);
      if (last.reading === 'answer' || last.reading === 'alias') {
        this.#preferred = text;
        return last;
      }
      if (last.reading === 'failure' && !last.text.startsWith('no answer')) failed.add(text);
      last = { reading: 'failure', text: `${textOf(last)} from ${text}` };
    }
    return last;
  }

  /** As many tries as there are servers, and no fewer than `tries`. */
  #order(): readonly ServerAddress[] {
    const servers = this.#options.servers();
    const first = Math.max(
      0,
      servers.findIndex((server) => serverText(server) === this.#preferred),
    );
    const order = [...servers.slice(first), ...servers.slice(0, first)];
    return Array.from({ length: tries }, (_, index) => order[index % order.length]).filter(
      (server) => server !== undefined,
    );
  }

  async #askOne<T extends QueryType>(server: ServerAddress, name: string, type: T): Promise<Reading<T>> {
    try {
      const reading = await this.#exchange(server, { name, type }, true);
      return reading.reading === 'no-edns' ? await this.#exchange(server, { name, type }, false) : reading;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return { reading: 'failure', text: error.message };
    }
  }

  async #exchange<T extends QueryType>(
    server: ServerAddress,
    asked: Omit<Question<T>, 'id'>,
    edns: boolean,
  ): Promise<Reading<T>> {
    const question: Question<T> = { ...asked, id: randomInt(65_536) };
    const query = encodeQuery(question, edns);
    const { timeout = timeoutDefault } = this.#options;
    const accept =
      (transport: 'udp' | 'tcp') =>
      (response: Buffer): Reading<T> | undefined => {
        const reading = readResponse(response, question, transport);
        return reading.reading === 'stranger' ? undefined : reading;
      };
    this.queries++;
    const reading = await overUdp({ server, query, timeout, accept: accept('udp') });
    if (reading.reading !== 'truncated') return reading;
    this.queries++;
    // RFC 7766 §5
    return overTcp({ server, query, timeout, accept: accept('tcp') });
  }
}

function textOf(reading: Reading<QueryType>): string {
  if (reading.reading === 'failure') return reading.text;
  return reading.reading === 'no-edns' ? 'FORMERR' : reading.reading;
}
