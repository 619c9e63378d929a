/** The certificates that the listeners show: for our name, and not about to end. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { serverCertificate } from '@postrider/nats-server';
import type { Config } from '@postrider/runtime';
import { checked, ok, wrong, type Finding } from './checks.js';

const day = 86_400_000;
/** As the alert PostriderCertificateExpires: fewer days are too few. */
const enough = 14;

/** A line for each file; a pod that does not mount it can't tell. @param now milliseconds since the epoch */
export async function checkCertificates(
  { listeners, hostname }: Config,
  now: number,
): Promise<readonly Finding[]> {
  const files = new Map<string, string>();
  for (const { tls } of Object.values(listeners)) {
    if (tls.mode === 'off') continue;
    if (tls.certificate_file !== '') files.set(tls.certificate_file, hostname);
    for (const [name, { certificate_file }] of Object.entries(tls.sni)) files.set(certificate_file, name);
  }
  return Promise.all([...files].map(([file, name]) => checkCertificate(file, name, now)));
}

/** A line for each of NATS's servers that speaks TLS: its certificate, by the authority that we are given. */
export async function checkNatsCertificates({ nats }: Config, now: number): Promise<readonly Finding[]> {
  const found = await Promise.all(
    nats.servers.map((server) => checkNatsCertificate(server, nats.ca_file, now)),
  );
  return found.flatMap((finding) => finding ?? []);
}

async function checkNatsCertificate(
  server: string,
  caFile: string,
  now: number,
): Promise<Finding | undefined> {
  const asked = serverCertificate(server, caFile === '' ? undefined : caFile);
  const found = await asked.catch(() => 'not asked' as const);
  // It speaks no TLS.
  if (found === undefined) return undefined;
  return checked(`certificate of ${server}`, async () => {
    const { end = now } = (await asked) ?? {};
    const days = Math.floor((end - now) / day);
    return days < enough ? wrong(`${days} days left`) : ok(`${days} days left`);
  });
}

const checkCertificate = (file: string, name: string, now: number): Promise<Finding> =>
  checked(`certificate of ${name}`, () => {
    const certificate = new X509Certificate(readFileSync(file));
    const days = Math.floor((Date.parse(certificate.validTo) - now) / day);
    // RFC 6125 §6.4.4: names in subjectAltName count.
    if (certificate.checkHost(name) === undefined)
      return Promise.resolve(wrong(`${file} is for ${certificate.subjectAltName ?? 'no name'}, not ${name}`));
    return Promise.resolve(days < enough ? wrong(`${file}: ${days} days left`) : ok(`${days} days left`));
  });
