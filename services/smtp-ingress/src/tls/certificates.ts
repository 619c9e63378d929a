/**
 * The certificates of one listener: by the name a client asks for, else the first. Files that change are read again,
 * and count from the next handshake on; what is not good leaves the old one in force. Sessions never notice.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
} from 'node:tls';
import { WatchedFiles, type Logger } from '@postrider/runtime';

export interface CertificateFiles {
  readonly certificate_file: string;
  readonly key_file: string;
}

export interface CertificateOptions {
  readonly files: CertificateFiles;
  /** By host name in lower case. */
  readonly sni: Readonly<Record<string, CertificateFiles>>;
  readonly minVersion: SecureVersion;
  readonly log: Logger;
}

interface Contexts {
  readonly first: SecureContextOptions;
  readonly byName: ReadonlyMap<string, SecureContext>;
  /** Ends in milliseconds since the epoch, by name; '' is the first one's. */
  readonly ends: ReadonlyMap<string, number>;
}

export class Certificates {
  readonly #options: CertificateOptions;
  readonly #watched: WatchedFiles;
  #contexts: Contexts;
  /** Called with the new first one. */
  changed: (first: SecureContextOptions) => void = () => undefined;

  /** @throws when a file can't be read or is none that TLS can use */
  constructor(options: CertificateOptions) {
    this.#options = options;
    const files = filesOf(options);
    this.#watched = new WatchedFiles(files, {
      changed: () => this.#readAgain(),
      failed: (error) => options.log.error({ files, problem: error.message }, 'certificates are not watched'),
    });
    this.#contexts = read(options);
    this.#watched.begin();
  }

  /** For clients that ask for no name, or for one that is not there. */
  get first(): SecureContextOptions {
    return this.#contexts.first;
  }

  /** @param name as the client gave it (RFC 6066 §3) */
  contextFor(name: string): SecureContext | undefined {
    return this.#contexts.byName.get(name.toLowerCase());
  }

  /** When each ends, milliseconds since the epoch, by the name it is asked for; '' for the first. */
  get ends(): ReadonlyMap<string, number> {
    return this.#contexts.ends;
  }

  /** Reads what has changed. */
  reload(): void {
    this.#watched.check();
  }

  stop(): void {
    this.#watched.stop();
  }

  #readAgain(): void {
    const files = filesOf(this.#options);
    try {
      this.#contexts = read(this.#options);
      this.changed(this.#contexts.first);
      this.#options.log.info({ files }, 'certificates read again');
    } catch (error) {
      this.#options.log.error(
        { files, problem: String(error) },
        'bad certificate: the old ones stay in force',
      );
    }
  }
}

const filesOf = ({ files, sni }: CertificateOptions): readonly string[] =>
  [files, ...Object.values(sni)].flatMap(({ certificate_file, key_file }) => [certificate_file, key_file]);

function read({ files, sni, minVersion }: CertificateOptions): Contexts {
  const options = ({ certificate_file, key_file }: CertificateFiles): SecureContextOptions => ({
    cert: readFileSync(certificate_file),
    key: readFileSync(key_file),
    minVersion,
    honorCipherOrder: true,
  });
  const context = (named: CertificateFiles): SecureContext => createSecureContext(options(named));
  const byName = Object.entries(sni).map(([name, named]) => [name.toLowerCase(), context(named)] as const);
  // Certificate and key that do not fit are told here.
  context(files);
  const ends = [['', files] as const, ...Object.entries(sni)].map(
    ([name, { certificate_file }]) => [name, endOf(certificate_file)] as const,
  );
  return { first: options(files), byName: new Map(byName), ends: new Map(ends) };
}

/** Of the first in the file, which is the server's own (RFC 8446 §4.4.2). */
const endOf = (file: string): number => Date.parse(new X509Certificate(readFileSync(file)).validTo);
