/** Real clients from Debian's packages. One that is missing skips its test on a user's machine and fails it in CI. */
import { execFile, execFileSync } from 'node:child_process';
import { test } from 'vitest';

export interface ClientResult {
  readonly code: number;
  readonly output: string;
}

export const inCi = process.env['POSTRIDER_CI'] !== undefined;

/** @param program on PATH, or a Perl module that one needs, as in Net::SSLeay */
export function isInstalled(program: string): boolean {
  const [command, ...words] = program.includes('::')
    ? ['perl', `-M${program}`, '-e', '1']
    : ['which', program];
  try {
    execFileSync(command, words, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** `test`, or a visible skip that names what is missing; in CI it runs and fails. */
export function testWith(...programs: readonly string[]): typeof test {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0 || inCi) return test;
  process.stderr.write(`skipped here, needs ${missing.join(', ')}: see .ci/run for the Debian packages\n`);
  return test.runIf(false) as typeof test;
}

export function runClient(program: string, words: readonly string[], input?: string): Promise<ClientResult> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...words],
      { timeout: 60_000, maxBuffer: 256 * 1024 * 1024 },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? 1, output: stdout + stderr }),
    );
    child.stdin?.end(input);
  });
}

/** A mail by swaks; its words after the usual ones. */
export const swaks = (port: number, ...words: readonly string[]): Promise<ClientResult> =>
  runClient('swaks', ['--server', `127.0.0.1:${port}`, ...words]);

/** A mail by Python's smtplib. */
export function smtplib(port: number, from: string, to: string, subject: string): Promise<ClientResult> {
  const program = `
import smtplib, sys
from email.message import EmailMessage
mail = EmailMessage()
mail['From'], mail['To'], mail['Subject'] = sys.argv[2:5]
mail.set_content('by smtplib')
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.send_message(mail)
`;
  return runClient('python3', ['-c', program, String(port), from, to, subject]);
}
