/** One of `listeners`: what is spoken on its addresses, and with whom. */
import { z } from 'zod';
import { listenerLimits } from './limits.js';
import { domain, listenAddress, network } from './values.js';

const role = z.enum(['mx', 'submission', 'submissions', 'lmtp']);

/** PEM files; the certificate's may hold a chain. */
const certificateFiles = { certificate_file: z.string().default(''), key_file: z.string().default('') };

const tls = z
  .strictObject({
    /** auto: at once on `submissions` (RFC 8314), by STARTTLS elsewhere (RFC 3207). */
    mode: z.enum(['auto', 'off']).default('auto'),
    /** '' = a self-signed one, made in `data_dir` at the first start. */
    ...certificateFiles,
    /** Other certificates, by the name that a client asks for (RFC 6066 §3). */
    sni: z
      .record(domain, z.strictObject({ certificate_file: z.string().min(1), key_file: z.string().min(1) }))
      .default({}),
    min_version: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
  })
  .prefault({});

/** The last two only where `oauth` says whose tokens are taken. */
const mechanisms = [
  'PLAIN',
  'LOGIN',
  'SCRAM-SHA-256',
  'SCRAM-SHA-256-PLUS',
  'OAUTHBEARER',
  'XOAUTH2',
] as const;

const auth = z
  .strictObject({
    /** auto: required on submission and submissions, off elsewhere. required: before MAIL. */
    mode: z.enum(['auto', 'required', 'offered', 'off']).default('auto'),
    mechanisms: z
      .array(z.enum(mechanisms))
      .min(1)
      .default([...mechanisms]),
    /** Passwords may be sent in the clear: for tests, and behind something that encrypts. */
    without_tls: z.boolean().default(false),
    /** owned: MAIL, From and Sender name an address of the identity. */
    senders: z.enum(['owned', 'any']).default('owned'),
  })
  .prefault({});

export const listener = z.strictObject({
  role: role.default('mx'),
  listen: z.array(listenAddress).min(1),
  tls,
  auth,
  /** Balancers: their connections begin with a PROXY header, version 1 or 2. Nobody else is served. */
  proxy_from: z.array(network).prefault([]),
  /** Who may speak for other clients by XCLIENT and XFORWARD. */
  xclient_from: z.array(network).prefault([]),
  /** What is otherwise here than in `limits`. */
  limits: listenerLimits,
});

type Listener = z.infer<typeof listener>;

export const isSubmission = (role: Listener['role']): boolean =>
  role === 'submission' || role === 'submissions';

/** `auth.mode`, and what auto stands for. */
export function authMode({ role, auth }: Pick<Listener, 'role' | 'auth'>): 'required' | 'offered' | 'off' {
  if (auth.mode !== 'auto') return auth.mode;
  return isSubmission(role) ? 'required' : 'off';
}
