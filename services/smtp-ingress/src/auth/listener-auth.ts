/** What a listener offers for AUTH (RFC 4954), and what its sessions share for it. */
import {
  login,
  maySendAs,
  plain,
  scramSha256,
  scramSha256Plus,
  type AuthGuard,
  type Mechanism,
  type Users,
} from '@postrider/auth';
import type { Listener } from '@postrider/runtime';
import type { RoleName } from '../roles.js';
import type { SessionFacts } from '../verbs/verb.js';

/** What checks who it is, for the whole process. */
export interface Authentication {
  readonly users: Users;
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

const all: readonly Mechanism[] = [scramSha256Plus, scramSha256, plain, login];

type AuthSettings = Listener['auth'];

export function modeOf(role: RoleName, { mode }: AuthSettings): Exclude<AuthSettings['mode'], 'auto'> {
  if (mode !== 'auto') return mode;
  return role === 'submission' || role === 'submissions' ? 'required' : 'off';
}

/** @returns undefined where nobody can authenticate */
export function listenerAuth(
  role: RoleName,
  settings: AuthSettings,
  authentication: Authentication | undefined,
): ListenerAuth | undefined {
  const mode = modeOf(role, settings);
  if (mode === 'off' || !authentication) return undefined;
  return {
    ...authentication,
    required: mode === 'required',
    mechanisms: all.filter(({ name }) => settings.mechanisms.some((wanted) => wanted === name)),
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
export function mayUse(address: string, { auth, identity, role, ingress }: SessionFacts): boolean {
  if (!role.submission || !auth?.owned || !identity) return true;
  return maySendAs(identity, address, ingress.settings.relay.localDomains);
}
