/** An nkey (Ed25519) for a NATS user: the server is told the public half, the user signs with the seed. */
import { nkeys } from 'nats';

export interface UserKey {
  /** `SU…`: secret. */
  readonly seed: string;
  /** `U…` */
  readonly publicKey: string;
}

/** The client library exports it without its types. */
const makes = nkeys as unknown as {
  createUser(): { getSeed(): Uint8Array; getPublicKey(): string };
};

export function createUserKey(): UserKey {
  const pair = makes.createUser();
  return { seed: Buffer.from(pair.getSeed()).toString('ascii'), publicKey: pair.getPublicKey() };
}
