/** The servers under test: Postrider, and Postfix with its own defaults, each relaying all mail to one sink. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processTree, type ProcessFigures } from '../process-figures.js';
import { startPostrider } from '../running-postrider.js';

export interface SystemUnderTest {
  readonly name: string;
  readonly port: number;
  processes(): readonly ProcessFigures[];
  stop(): Promise<void>;
}

export async function startPostriderForBench(port: number, sinkPort: number): Promise<SystemUnderTest> {
  const postrider = await startPostrider(
    [
      'hostname: postrider.bench.test',
      `routes: { "*": "smtp://127.0.0.1:${sinkPort}" }`,
      'log: { level: warn, format: text }',
    ],
    port,
  );
  return {
    name: 'Postrider',
    port,
    processes: () => postrider.processes(),
    stop: () => postrider.remove(),
  };
}

/** Postfix needs root and the user `postfix`. @returns undefined where that is missing */
export async function startPostfix(port: number, sinkPort: number): Promise<SystemUnderTest | undefined> {
  const masterTemplate = '/usr/share/postfix/master.cf.dist';
  if (userInfo().uid !== 0 || !existsSync(masterTemplate)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'postfix-bench-'));
  execFileSync('chmod', ['755', folder]);
  for (const name of ['conf', 'queue', 'data']) mkdirSync(join(folder, name));
  chownSync(join(folder, 'data'), Number(execFileSync('id', ['-u', 'postfix'], { encoding: 'utf8' })), 0);
  writeFileSync(join(folder, 'conf/main.cf'), postfixSettings(folder, sinkPort));
  writeFileSync(join(folder, 'conf/master.cf'), postfixServices(readFileSync(masterTemplate, 'utf8'), port));
  execFileSync('postfix', ['-c', join(folder, 'conf'), 'start'], { stdio: 'ignore' });
  await pause(500);
  const master = Number(readFileSync(join(folder, 'queue/pid/master.pid'), 'utf8'));
  return {
    name: 'Postfix',
    port,
    processes: () => processTree(master),
    async stop() {
      execFileSync('postfix', ['-c', join(folder, 'conf'), 'stop'], { stdio: 'ignore' });
      await pause(500);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const postfixSettings = (folder: string, sinkPort: number): string => `compatibility_level = 3.6
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
relayhost = [127.0.0.1]:${sinkPort}
smtp_dns_support_level = disabled
message_size_limit = 52428800
maillog_file = ${folder}/mail.log
maillog_file_prefixes = ${folder}
`;

/** Debian's services without chroot, the listener on our port. */
const postfixServices = (template: string, port: number): string =>
  template
    .replace(/^#.*\n/gm, '')
    .replace(/^smtp +inet .*$/m, `127.0.0.1:${port} inet n - n - - smtpd`)
    .replace(/^(\w+ +(?:unix|inet) +[-yn] +[-yn] +)y/gm, '$1n');
