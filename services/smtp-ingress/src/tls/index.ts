/** Makes the TLS side of a listener from its configuration. */
import type { Config, Listener, Logger } from '@postrider/runtime';
import { StartError } from '@postrider/runtime';
import { Certificates } from './certificates.js';
import { ownCertificate } from './own-certificate.js';
import { TlsServer } from './tls-server.js';

export type { ChannelBinding, TlsFacts } from './tls-server.js';
export { tlsFactsOf, TlsServer } from './tls-server.js';

export interface TlsOptions {
  readonly listener: string;
  readonly role: Listener['role'];
  readonly tls: Listener['tls'];
  readonly dataDir: Config['data_dir'];
  readonly hostname: string;
  readonly log: Logger;
}

/**
 * @returns undefined where TLS is off, and where none is configured and no certificate can be made
 * @throws StartError for configured files that are not good, and where there is no listener without TLS
 */
export function tlsOf(options: TlsOptions): TlsServer | undefined {
  const { listener, role, tls, log } = options;
  if (tls.mode === 'off') return undefined;
  const where = `listeners.${listener}.tls`;
  let files = { certificate_file: tls.certificate_file, key_file: tls.key_file };
  if (files.certificate_file === '') {
    try {
      files = ownCertificate(options.dataDir, options.hostname);
    } catch (error) {
      const problem = `${where}: no certificate is configured, and none can be made: ${String(error)}`;
      if (role === 'submissions') throw new StartError(problem);
      log.warn({ listener, problem }, 'STARTTLS is not offered');
      return undefined;
    }
  }
  try {
    const certificates = new Certificates({ files, sni: tls.sni, minVersion: tls.min_version, log });
    return new TlsServer(certificates);
  } catch (error) {
    throw new StartError(`${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
