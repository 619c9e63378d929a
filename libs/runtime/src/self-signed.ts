/**
 * A certificate that nobody vouches for, for a first start, tests and the demo: made when it is needed, and no program
 * is called. X.509 v3 (RFC 5280 §4.1), ECDSA P-256 with SHA-256 (RFC 5758 §3.2), in DER.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

const tag = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
};
const ecdsaWithSha256 = '2a8648ce3d040302';
const commonName = '550403';
const subjectAltName = '551d11';
/** Enough for a test run, with clocks that differ. */
const shortLife = 30;
const day = 86_400_000;

/**
 * @param names host names the certificate is for; the first is its common name too
 * @param validForDays from yesterday on; its end must be before 2050 (RFC 5280 §4.1.2.5)
 */
export function selfSigned(names: readonly [string, ...string[]], validForDays = shortLife): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(oid(ecdsaWithSha256));
  const name = sequence(der(tag.set, sequence(oid(commonName), der(tag.utf8, Buffer.from(names[0])))));
  const now = Date.now();
  const alternatives = sequence(...names.map((host) => der(0x82, Buffer.from(host, 'latin1'))));
  const extension = sequence(oid(subjectAltName), der(tag.octets, alternatives));
  const toBeSigned = sequence(
    der(0xa0, der(tag.integer, Buffer.from([2]))),
    der(tag.integer, positiveSerial()),
    algorithm,
    name,
    sequence(utcTime(now - day), utcTime(now + validForDays * day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, algorithm, der(tag.bits, Buffer.from([0]), signature));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem(certificate),
  };
}

/** First octet between 1 and 127: positive, and no leading zero (X.690 §8.3.2). */
function positiveSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  return serial;
}

function der(type: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < 128) return Buffer.concat([Buffer.from([type, value.length]), value]);
  const length = Buffer.from(value.length.toString(16).padStart(value.length < 256 ? 2 : 4, '0'), 'hex');
  return Buffer.concat([Buffer.from([type, 0x80 | length.length]), length, value]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(tag.sequence, ...parts);
const oid = (hex: string): Buffer => der(tag.oid, Buffer.from(hex, 'hex'));

/** YYMMDDHHMMSSZ (RFC 5280 §4.1.2.5.1). */
function utcTime(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(tag.utcTime, Buffer.from(digits.slice(2)));
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
