/** Who may authenticate, and what is kept to check it: the interface that the mechanisms ask, whoever keeps the users. */

export interface Users {
  /** @returns the identity when the password is right. Takes as long for a name that nobody has. */
  checkPassword(name: string, password: string): Promise<Identity | undefined>;
  /** Keys to check SCRAM with; of a name that nobody has, keys that look like any and fit no password. */
  scramKeys(name: string): ScramKeys | Promise<ScramKeys>;
  /** After SCRAM has shown that the name is somebody's. */
  identity(name: string): Identity | undefined | Promise<Identity | undefined>;
}

export interface Identity {
  /** As the users' store has it. */
  readonly name: string;
  /** Addresses, `@domain` for all in it, `*` for all; besides the name itself when that is an address. */
  readonly senders: readonly string[];
}

/** What RFC 5802 §3 calls salt, i, StoredKey and ServerKey; SHA-256 (RFC 7677). */
export interface ScramKeys {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}
