/** What a listener is for, and what follows from it: one row a role (DESIGN §6). */
import type { Listener } from '@postrider/runtime';
import { lmtpVerbs, smtpVerbs } from './verbs/index.js';
import type { VerbTable } from './verbs/verb.js';

export type RoleName = Listener['role'];

export interface Role {
  readonly name: RoleName;
  readonly verbs: VerbTable;
  /** In the banner and in front of its addresses in the start messages. */
  readonly speaks: 'ESMTP' | 'LMTP';
  readonly shown: 'smtp' | 'smtps' | 'lmtp';
  /** The handshake comes before the banner (RFC 8314 §3.3). */
  readonly tlsAtOnce: boolean;
  /** Clients of `relay.networks` may send everywhere; elsewhere only who has authenticated may. */
  readonly relaysForNetworks: boolean;
  /** Mail is new here: who sends it is known, and what it lacks is added (RFC 6409 §6, §8). */
  readonly submission: boolean;
  /** One reply a recipient after the data (RFC 2033 §4.2). */
  readonly replyPerRecipient: boolean;
}

const relay = {
  verbs: smtpVerbs,
  speaks: 'ESMTP',
  shown: 'smtp',
  tlsAtOnce: false,
  relaysForNetworks: true,
  submission: false,
  replyPerRecipient: false,
} as const;
const submission = { ...relay, relaysForNetworks: false, submission: true } as const;

export const roles: Readonly<Record<RoleName, Role>> = {
  mx: { ...relay, name: 'mx' },
  submission: { ...submission, name: 'submission' },
  submissions: { ...submission, name: 'submissions', shown: 'smtps', tlsAtOnce: true },
  lmtp: {
    ...relay,
    name: 'lmtp',
    verbs: lmtpVerbs,
    speaks: 'LMTP',
    shown: 'lmtp',
    replyPerRecipient: true,
  },
};
