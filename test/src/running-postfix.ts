/** A Postfix of its own in a temporary folder: a peer for the bench, a next hop with STARTTLS, a client. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processTree, type ProcessFigures } from './process-figures.js';

export interface RunningPostfix {
  readonly port: number;
  /** What it has logged so far. */
  log(): string;
  processes(): readonly ProcessFigures[];
  stop(): Promise<void>;
}

export interface PostfixOptions {
  readonly port: number;
  /** All mail goes on to this port on 127.0.0.1. */
  readonly nextHopPort: number;
  /** Sends by STARTTLS or not at all. */
  readonly encrypts?: boolean;
  /** Offers STARTTLS with a certificate made for this run. */
  readonly tls?: boolean;
}

const services = '/usr/share/postfix/master.cf.dist';

/** Postfix needs root, to start as its own user. */
export const canRunPostfix = (): boolean => userInfo().uid === 0 && existsSync(services);

export async function startPostfix(options: PostfixOptions): Promise<RunningPostfix> {
  const folder = mkdtempSync(join(tmpdir(), 'postfix-'));
  chmodSync(folder, 0o755);
  for (const name of ['conf', 'queue', 'data']) mkdirSync(join(folder, name));
  chownSync(join(folder, 'data'), Number(execFileSync('id', ['-u', 'postfix'], { encoding: 'utf8' })), 0);
  const conf = join(folder, 'conf');
  writeFileSync(join(conf, 'main.cf'), settings(folder, options));
  writeFileSync(join(conf, 'master.cf'), listenOn(readFileSync(services, 'utf8'), options.port));
  if (options.tls === true) makeCertificate(conf);
  execFileSync('postfix', ['-c', conf, 'start'], { stdio: 'ignore' });
  await pause(500);
  const master = Number(readFileSync(join(folder, 'queue/pid/master.pid'), 'utf8'));
  return {
    port: options.port,
    log: () => readFileSync(join(folder, 'mail.log'), 'utf8'),
    processes: () => processTree(master),
    async stop() {
      execFileSync('postfix', ['-c', conf, 'stop'], { stdio: 'ignore' });
      await pause(500);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const settings = (
  folder: string,
  { nextHopPort, tls, encrypts }: PostfixOptions,
): string => `compatibility_level = 3.6
queue_directory = ${folder}/queue
data_directory = ${folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.bench.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:${nextHopPort}
smtp_dns_support_level = disabled
message_size_limit = 52428800
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
smtp_tls_security_level = ${encrypts === true ? 'encrypt' : 'none'}
smtp_tls_loglevel = 1
${
  tls === true
    ? `smtpd_tls_security_level = may
smtpd_tls_cert_file = ${folder}/conf/cert.pem
smtpd_tls_key_file = ${folder}/conf/key.pem
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
`
    : ''
}`;

/** Debian's services without chroot, the listener on our port. */
const listenOn = (template: string, port: number): string =>
  template
    .replace(/^#.*\n/gm, '')
    .replace(/^smtp +inet .*$/m, `127.0.0.1:${port} inet n - n - - smtpd`)
    .replace(/^(\w+ +(?:unix|inet) +[-yn] +[-yn] +)y/gm, '$1n');

function makeCertificate(folder: string): void {
  const words =
    'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=postfix.bench.test -keyout key.pem -out cert.pem';
  execFileSync('openssl', words.split(' '), { cwd: folder, stdio: 'ignore' });
}
