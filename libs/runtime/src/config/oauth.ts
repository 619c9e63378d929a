/** `oauth`: whose access tokens OAUTHBEARER and XOAUTH2 take (RFC 7628). Nothing set: none. */
import { z } from 'zod';
import type { Finding } from './cross-checks.js';
import type { Config } from './schema.js';

export const oauth = z
  .strictObject({
    /** `iss` of the tokens. */
    issuer: z.string().default(''),
    /** One of these is in `aud`. */
    audience: z.array(z.string().min(1)).default([]),
    /** The issuer's public keys (RFC 7517): a file or a URL. */
    jwks_file: z.string().default(''),
    jwks_url: z.string().default(''),
    /** Claim that names the identity. */
    identity_claim: z.string().min(1).default('email'),
    /** That tokens must have; '' = any. */
    scope: z.string().default(''),
    /** URL told to clients whose token is refused (RFC 7628 §3.2.2). */
    openid_configuration: z.union([z.literal(''), z.string().regex(/^https:\/\//)]).default(''),
  })
  .prefault({});

/** A token that is not meant for us, or that anybody could have signed, is none. */
export function* checkOauth({ oauth }: Config): Generator<Finding> {
  const { issuer, audience, jwks_file, jwks_url } = oauth;
  const hasKeys = jwks_file !== '' || jwks_url !== '';
  if (issuer === '') {
    if (hasKeys || audience.length > 0)
      yield { path: ['oauth', 'issuer'], text: 'is missing: whose tokens are taken?' };
    return;
  }
  if (audience.length === 0)
    yield { path: ['oauth', 'audience'], text: 'is missing: tokens for any other service would be taken' };
  if (!hasKeys || (jwks_file !== '' && jwks_url !== ''))
    yield { path: ['oauth', 'jwks_file'], text: 'set either jwks_file or jwks_url' };
  if (jwks_url !== '' && !isSafeUrl(jwks_url))
    yield { path: ['oauth', 'jwks_url'], text: 'must be https:// (http:// only on this machine)' };
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (
    protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
  );
}
