/** What a verb file exports: the row of the table and what it does. */
import type { Identity } from '@postrider/auth';
import type { Networks } from '@postrider/mail';
import type { CommandLine, Reply } from '@postrider/smtp';
import type { ListenerAuth } from '../auth/listener-auth.js';
import type { ContentReceiver } from '../content/content-receiver.js';
import type { Ingress } from '../ingress.js';
import { notNow } from '../session/replies.js';
import type { ClientTerms, CountedClient } from '../policy/counted-client.js';
import type { Role } from '../roles.js';
import { isIn, type SessionState, type StateName, type StateNamed } from '../session/session-state.js';
import type { TlsFacts } from '../tls/index.js';

/** What follows from a command. The session writes the reply and takes the state; nothing here touches a socket. */
export interface Step {
  readonly reply: Reply;
  /** How often it is said; once when absent. */
  readonly times?: number;
  /** Absent: the session stays as it is. */
  readonly state?: SessionState;
  /** What is known of the session from now on. */
  readonly facts?: Partial<
    Pick<SessionFacts, 'identity' | 'address' | 'forwarded' | 'spokenFor' | 'clients' | 'limits'>
  >;
  readonly then?: Then;
  /** Of a refusal: the address it is about, for the event. */
  readonly about?: string;
}

export type Then =
  /** Without `wasAsked` the client may still be sending. */
  | { readonly do: 'close'; readonly wasAsked?: true }
  | { readonly do: 'start-tls' }
  /** The next line is no command but an answer to this reply. It is the last of its group, as the verb is. */
  | {
      readonly do: 'ask';
      /** Octets, CRLF included. */
      readonly maximum: number;
      readonly answer: (line: CommandLine) => Step | Promise<Step>;
    }
  /** So many octets are part of the command; its reply comes after them. Without content they are forgotten. */
  | {
      readonly do: 'receive-chunk';
      readonly octets: number;
      readonly last: boolean;
      readonly content?: ContentReceiver;
    }
  /** What comes next is mail data. */
  | { readonly do: 'receive'; readonly content: ContentReceiver };

/** What is known of a session besides its state. */
export interface SessionFacts extends ClientTerms {
  readonly ingress: Ingress;
  /** Name of the listener in the configuration. */
  readonly listener: string;
  /** Of the client, IPv4 or IPv6. */
  readonly address: string;
  /** STARTTLS is possible here. */
  readonly offersTls: boolean;
  /** Absent while the session is in the clear. */
  readonly tls?: TlsFacts;
  /** Clients that may speak for others. */
  readonly xclientFrom: Networks;
  /** By XCLIENT: what has been said of the client, and stands until something else is said. */
  readonly spokenFor?: { readonly identity?: Identity | undefined; readonly nameOf?: Ingress['nameOf'] };
  /** By XFORWARD: whose mail it is that the client brings. For what is told of it, and for no decision. */
  readonly forwarded?: { readonly address?: string; readonly helo?: string } | undefined;
  /** Absent: nobody can authenticate here. */
  readonly auth?: ListenerAuth;
  /** Absent: nobody has authenticated. */
  readonly identity?: Identity | undefined;
  /** For whom the connection is counted. */
  readonly counted: CountedClient;
  /** Of the listener; its verbs are those of the session. */
  readonly role: Role;
}

export type VerbTable = ReadonlyMap<string, Verb>;

/** @typeParam Argument text after the verb; what was received, at the end of data */
export interface Verb<Argument = string> {
  readonly name: string;
  readonly syntax: string;
  readonly allowedIn: readonly StateName[];
  /** By RFC 5321 §4.3.2; 500, 501, 503 and 421 may come from any. */
  readonly replies: readonly number[];
  /** Only the last of a pipelined group (RFC 2920 §3.1). */
  readonly lastInGroup: boolean;
  /** Has a line of its own in the reply to EHLO. */
  readonly announced: (facts: SessionFacts) => boolean;
  /** Checks the state, then acts. */
  perform(argument: Argument, state: SessionState, facts: SessionFacts): Step | Promise<Step>;
}

interface VerbDefinition<S extends StateName, Argument> extends Omit<
  Verb<Argument>,
  'allowedIn' | 'announced' | 'perform'
> {
  readonly allowedIn: readonly S[];
  /** Absent: to nobody. */
  readonly announced?: (facts: SessionFacts) => boolean;
  /** In states where it is not allowed and 503 is not the reply. */
  readonly otherwise?: Partial<Readonly<Record<StateName, Reply>>>;
  readonly act: (argument: Argument, state: StateNamed<S>, facts: SessionFacts) => Step | Promise<Step>;
}

export function defineVerb<S extends StateName, Argument = string>(
  definition: VerbDefinition<S, Argument>,
): Verb<Argument> {
  const { act, otherwise, ...row } = definition;
  return {
    announced: () => false,
    ...row,
    perform: (argument, state, facts) =>
      isIn(state, row.allowedIn)
        ? act(argument, state, facts)
        : { reply: otherwise?.[state.name] ?? notNow(state.name) },
  };
}

/** RSET, NOOP, HELP, VRFY and QUIT can be used at any time (RFC 5321 §4.1.4). */
export const anyTime = ['greeting', 'ready', 'mail', 'rcpt'] as const;
