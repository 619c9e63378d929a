/** HAProxy as a cloud's balancer: it ends the client's connection, and says for whom by a PROXY header, version 2. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@postrider/testing';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Balancer {
  readonly port: number;
  stop(): Promise<void>;
}

const comesUpWithin = 20_000;

/** @param at where it listens, and from where it connects to `target` */
export async function startBalancer(at: Endpoint, target: Endpoint): Promise<Balancer> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-haproxy-'));
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    [
      'defaults',
      '  mode tcp',
      '  timeout connect 5s',
      '  timeout client 60s',
      '  timeout server 60s',
      'listen smtp',
      `  bind ${at.host}:${at.port}`,
      `  source ${at.host}`,
      `  server pod ${target.host}:${target.port} send-proxy-v2`,
      '',
    ].join('\n'),
  );
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: 'ignore' });
  const balancer = { port: at.port, stop: () => stop(child, folder) };
  await waitFor(() => isOpen(at), comesUpWithin, 'haproxy to listen');
  return balancer;
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  rmSync(folder, { recursive: true });
}

async function isOpen({ host, port }: Endpoint): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
