/**
 * Access tokens that are JWTs (RFC 7519, RFC 9068), checked with the issuer's public keys: a JWKS (RFC 7517) in a file,
 * which is read again when it has changed, or behind a URL, which is asked again for a key that is not known yet.
 * Neither a token nor what it says is told to anybody: errors name the rule that failed.
 */
import { readFileSync } from 'node:fs';
import { WatchedFiles } from '@postrider/runtime';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { BearerTokens, TokenVerdict } from './bearer-tokens.js';

export interface JwksRules {
  readonly issuer: string;
  /** One of these must be among the token's. */
  readonly audience: readonly string[];
  /** Claim that names the identity. */
  readonly identityClaim: string;
  /** '' = any. */
  readonly scope: string;
  /** '' = not told. */
  readonly openidConfiguration: string;
  readonly keys: { readonly file: string } | { readonly url: string };
}

export interface JwksListeners {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A changed file is no JWKS: the old keys stay. */
  readonly failed: (text: string) => void;
}

/** Only signatures that a public key checks: with HMAC whoever can check could sign (RFC 8725 §3.1). */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** Clocks differ; seconds. */
const clockTolerance = 30;
/** A URL that does not answer; below the patience of clients with AUTH. Milliseconds. */
const fetchLimit = 5_000;
/** No more than one question in so long, however many unknown keys are named. Milliseconds. */
const askedAgainAfter = 10_000;

/** What is wrong with a token. All else is about the keys: the token may be right. */
const tokenErrors = [
  errors.JWTExpired,
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

/** @throws Error for a file that is no JWKS */
export function jwksTokens(rules: JwksRules, { now, failed }: JwksListeners): BearerTokens {
  const { issuer, audience, identityClaim, scope, openidConfiguration, keys } = rules;
  const keyOf = 'file' in keys ? keysOfFile(keys.file, failed) : keysOfUrl(keys.url);
  return {
    ...(scope === '' ? {} : { scope }),
    ...(openidConfiguration === '' ? {} : { openidConfiguration }),
    async check(token) {
      const currentDate = new Date(now());
      const checks = { issuer, audience: [...audience], requiredClaims: ['exp'], algorithms };
      try {
        const { payload } = await jwtVerify(token, keyOf, { ...checks, clockTolerance, currentDate });
        return verdictOf(payload, identityClaim, scope);
      } catch (error) {
        if (tokenErrors.some((kind) => error instanceof kind)) return invalid;
        throw error;
      }
    },
  };
}

const invalid: TokenVerdict = { result: 'refused', error: 'invalid_token' };

function verdictOf(payload: JWTPayload, identityClaim: string, scope: string): TokenVerdict {
  const name = payload[identityClaim];
  if (typeof name !== 'string') return invalid;
  // OpenID Connect Core §5.1: anybody may have claimed an address that is not verified.
  if (identityClaim === 'email' && payload['email_verified'] === false) return invalid;
  if (scope !== '' && !scopesOf(payload).includes(scope))
    return { result: 'refused', error: 'insufficient_scope' };
  return { result: 'valid', name };
}

/** RFC 9068 §2.2.3; `scp`, as some issuers call it, may be a list. */
function scopesOf(payload: JWTPayload): readonly unknown[] {
  const scopes = payload['scope'] ?? payload['scp'];
  return typeof scopes === 'string' ? scopes.split(' ') : Array.isArray(scopes) ? scopes : [];
}

const keysOfUrl = (url: string): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(url), { timeoutDuration: fetchLimit, cooldownDuration: askedAgainAfter });

/** Looked at when it is used: a token may be the first that names a new key. */
function keysOfFile(file: string, failed: (text: string) => void): JWTVerifyGetKey {
  const watched = new WatchedFiles([file], {
    changed: () => {
      try {
        keys = readJwks(file);
      } catch (error) {
        failed(error instanceof Error ? error.message : String(error));
      }
    },
    failed: ({ message }) => failed(message),
  });
  let keys = readJwks(file);
  return (header, token) => {
    watched.check();
    return keys(header, token);
  };
}

function readJwks(file: string): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(file, 'utf8')) as JSONWebKeySet);
  } catch (error) {
    throw new Error(`${file}: no JWKS: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
