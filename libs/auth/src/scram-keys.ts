/** Keys of SCRAM-SHA-256 (RFC 5802 §3, RFC 7677), written as RFC 5803 §2 has them. */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import type { ScramKeys } from './users.js';

/** RFC 7677 §4 asks for 4096 at least; each check costs the client as much. */
const iterations = 8192;
const saltInOctets = 16;
const digestInOctets = 32;

export const hmac = (key: Buffer, text: string | Buffer): Buffer =>
  createHmac('sha256', key).update(text).digest();
export const hash = (text: Buffer): Buffer => createHash('sha256').update(text).digest();

/** @param password prepared */
export async function makeScramKeys(
  password: string,
  salt = randomBytes(saltInOctets),
  rounds = iterations,
): Promise<ScramKeys> {
  const salted = await new Promise<Buffer>((resolve, reject) =>
    pbkdf2(password, salt, rounds, digestInOctets, 'sha256', (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  );
  const storedKey = hash(hmac(salted, 'Client Key'));
  return { salt, iterations: rounds, storedKey, serverKey: hmac(salted, 'Server Key') };
}

/** The same each time for one name, so that asking twice tells nothing. @param secret that no client knows */
export function nobodysKeys(name: string, secret: Buffer): ScramKeys {
  return {
    salt: hmac(secret, `salt ${name}`).subarray(0, saltInOctets),
    iterations,
    storedKey: hmac(secret, `stored ${name}`),
    serverKey: hmac(secret, `server ${name}`),
  };
}

/** scram-mechanism "$" iterations ":" salt "$" stored-key ":" server-key */
export function printScramKeys({ salt, iterations: i, storedKey, serverKey }: ScramKeys): string {
  const text = (octets: Buffer): string => octets.toString('base64');
  return `SCRAM-SHA-256$${i}:${text(salt)}$${text(storedKey)}:${text(serverKey)}`;
}

const base64 = '([A-Za-z0-9+/]+={0,2})';
const form = new RegExp(`^SCRAM-SHA-256\\$([0-9]{4,7}):${base64}\\$${base64}:${base64}$`);

/** @returns undefined for what are no such keys */
export function parseScramKeys(text: string): ScramKeys | undefined {
  const [, i, ...octets] = form.exec(text) ?? [];
  const [salt, storedKey, serverKey] = octets.map((part) => Buffer.from(part, 'base64'));
  if (!salt || storedKey?.length !== digestInOctets || serverKey?.length !== digestInOctets) return undefined;
  return { salt, iterations: Number(i), storedKey, serverKey };
}
