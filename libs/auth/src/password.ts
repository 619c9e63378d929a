/** Passwords as scrypt hashes (RFC 7914), written in the PHC form: `$scrypt$ln=14,r=8,p=1$salt$hash`. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

export interface PasswordHash {
  /** log2 of N. */
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** 16 MiB and about 40 ms a check: OWASP's least for scrypt is of this order, and a mail server checks often. */
const cost = 14;
const blockSize = 8;
const parallelization = 1;
const saltInOctets = 16;
const hashInOctets = 32;

export async function hashPassword(password: string): Promise<PasswordHash> {
  const unfilled = { cost, blockSize, parallelization, salt: randomBytes(saltInOctets) };
  return { ...unfilled, hash: await derive(password, { ...unfilled, hash: Buffer.alloc(hashInOctets) }) };
}

/** In the same time for any hash of the same cost. */
export async function isPassword(password: string, expected: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, expected), expected.hash);
}

/** As costly to check as one of ours, and fits no password. */
export const nobodysHash = (): PasswordHash => ({
  cost,
  blockSize,
  parallelization,
  salt: randomBytes(saltInOctets),
  hash: randomBytes(hashInOctets),
});

function derive(password: string, { salt, hash, ...parameters }: PasswordHash): Promise<Buffer> {
  const options = {
    N: 2 ** parameters.cost,
    r: parameters.blockSize,
    p: parameters.parallelization,
    maxmem: 256 * 1024 * 1024,
  };
  return new Promise((resolve, reject) =>
    scrypt(password, salt, hash.length, options, (error, key) => (error ? reject(error) : resolve(key))),
  );
}

export function printPasswordHash({ salt, hash, ...parameters }: PasswordHash): string {
  const { cost: ln, blockSize: r, parallelization: p } = parameters;
  const text = (octets: Buffer): string => octets.toString('base64').replace(/=+$/, '');
  return `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(hash)}`;
}

const phc = /^\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
/** More would take more memory than a check may. */
const costAtMost = 17;

/** @returns undefined for what is no such hash */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const [, ln, r, p, salt = '', hash = ''] = phc.exec(text) ?? [];
  const parameters = { cost: Number(ln), blockSize: Number(r), parallelization: Number(p) };
  const { cost: n, blockSize: size, parallelization: lanes } = parameters;
  if (hash === '' || n < 1 || n > costAtMost || size < 1 || size > 16 || lanes < 1 || lanes > 8)
    return undefined;
  const octets = { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
  return octets.hash.length < 16 ? undefined : { ...parameters, ...octets };
}
