/**
 * The certificate of a first start, when none is configured: self-signed, kept in `data_dir/tls`, so that a client that
 * remembers it sees the same one next time. Processes that start at once agree on one.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { selfSigned } from '@postrider/runtime';
import type { CertificateFiles } from './certificates.js';

const validForDays = 3650;

/** @returns the files; @throws when they can be neither read nor made */
export function ownCertificate(dataDir: string, hostname: string): CertificateFiles {
  const folder = join(dataDir, 'tls');
  const files = {
    certificate_file: join(folder, 'certificate.pem'),
    key_file: join(folder, 'key.pem'),
  };
  if (isGood(files, hostname)) return files;
  mkdirSync(dataDir, { recursive: true });
  const made = mkdtempSync(join(dataDir, 'tls-'));
  try {
    const { key, cert } = selfSigned([hostname], validForDays);
    writeFileSync(join(made, 'key.pem'), key, { mode: 0o600 });
    writeFileSync(join(made, 'certificate.pem'), cert, { mode: 0o644 });
    if (existsSync(folder) && !isGood(files, hostname)) rmSync(folder, { recursive: true, force: true });
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    // Another process was faster.
    if (!isGood(files, hostname)) throw error;
  }
  return files;
}

/** For this host, and not over. */
function isGood({ certificate_file, key_file }: CertificateFiles, hostname: string): boolean {
  try {
    const certificate = new X509Certificate(readFileSync(certificate_file));
    return (
      existsSync(key_file) &&
      certificate.checkHost(hostname) !== undefined &&
      Date.parse(certificate.validTo) > Date.now()
    );
  } catch {
    return false;
  }
}
