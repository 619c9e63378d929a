/** What a listener offers for AUTH (RFC 4954), and what its sessions share for it. */
import {
  login,
  maySendAs,
  oauthBearer,
  plain,
  scramSha256,
  scramSha256Plus,
  xoauth2,
  type AuthGuard,
  type BearerTokens,
  type Mechanism,
  type Users,
} from '@postrider/auth';
import { authMode, type Listener } from '@postrider/runtime';
import type { RoleName } from '../roles.js';
import type { SessionFacts } from '../verbs/verb.js';

/** What checks who it is, for the whole process. */
export interface Authentication {
  readonly users: Users;
  /** Absent where no access tokens are taken. */
  readonly tokens?: BearerTokens;
  readonly guard: AuthGuard;
}

export interface ListenerAuth extends Authentication {
  /** Before MAIL. */
  readonly required: boolean;
  readonly mechanisms: readonly Mechanism[];
  readonly withoutTls: boolean;
  /** Senders must be owned by the identity. */
  readonly owned: boolean;
}

const all: readonly Mechanism[] = [scramSha256Plus, scramSha256, oauthBearer, xoauth2, plain, login];
const withTokens: ReadonlySet<Mechanism> = new Set([oauthBearer, xoauth2]);

type AuthSettings = Listener['auth'];

/** @returns undefined where nobody can authenticate */
export function listenerAuth(
  role: RoleName,
  settings: AuthSettings,
  authentication: Authentication | undefined,
): ListenerAuth | undefined {
  const mode = authMode({ role, auth: settings });
  if (mode === 'off' || !authentication) return undefined;
  return {
    ...authentication,
    required: mode === 'required',
    mechanisms: all.filter(
      (mechanism) =>
        settings.mechanisms.some((wanted) => wanted === mechanism.name) &&
        (authentication.tokens !== undefined || !withTokens.has(mechanism)),
    ),
    withoutTls: settings.without_tls,
    owned: settings.senders === 'owned',
  };
}

/** Those that can be used in this session as it is now. */
export function mechanismsOf({ auth, tls }: SessionFacts): readonly Mechanism[] {
  if (!auth || (!tls && !auth.withoutTls)) return [];
  return auth.mechanisms.filter(
    ({ binds }) => !binds || (tls?.binding('tls-exporter') ?? tls?.binding('tls-unique')) !== undefined,
  );
}

/** Whether the session's identity may send from an address; where that is not asked, everybody may. */
export function mayUse(address: string, { auth, identity, ingress }: SessionFacts): boolean {
  if (!auth?.owned || !identity) return true;
  return maySendAs(identity, address, ingress.settings.relay.localDomains);
}

/** Whether the session's identity is believed that a mail was submitted by a mailbox (RFC 4954 §5). */
export function mayVouchFor(mailbox: string, { auth, identity, ingress }: SessionFacts): boolean {
  if (!identity) return false;
  return auth?.owned === false || maySendAs(identity, mailbox, ingress.settings.relay.localDomains);
}
