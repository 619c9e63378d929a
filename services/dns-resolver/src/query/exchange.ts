/**
 * One query to one nameserver and back, over UDP or TCP. Each UDP query has a socket of its own, connected, so that
 * its port is another each time and only that server is heard (RFC 5452 §9.2).
 */
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import type { ServerAddress } from '../settings.js';

/** Nothing usable came back. */
export class NoAnswer extends Error {}

export interface Exchange<R> {
  readonly server: ServerAddress;
  readonly query: Buffer;
  /** Milliseconds. */
  readonly timeout: number;
  /** Reads what came; undefined: not the answer, go on waiting. */
  readonly accept: (response: Buffer) => R | undefined;
}

/** @throws NoAnswer */
export function overUdp<R>({ server, query, timeout, accept }: Exchange<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIP(server.host) === 6 ? 'udp6' : 'udp4');
    const timer = setTimeout(() => end(() => reject(new NoAnswer('no answer in time'))), timeout);
    let open = true;
    const end = (settle: () => void): void => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      socket.close();
      settle();
    };
    const fail = (error: Error): void => end(() => reject(new NoAnswer(error.message)));
    socket.on('error', fail);
    socket.on('message', (response) => {
      const accepted = accept(response);
      if (accepted !== undefined) end(() => resolve(accepted));
    });
    socket.connect(server.port, server.host, () => {
      if (!open) return;
      socket.send(query, (error) => {
        if (error) fail(error);
      });
    });
  });
}

/** RFC 7766 §8: each message behind its length in two octets. @throws NoAnswer */
export function overTcp<R>({ server, query, timeout, accept }: Exchange<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port });
    const timer = setTimeout(() => fail('no answer in time over TCP'), timeout);
    const parts: Buffer[] = [];
    let octets = 0;
    const fail = (text: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new NoAnswer(text));
    };
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('connection closed without an answer'));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on('data', (part) => {
      parts.push(part);
      octets += part.length;
      // Parts are joined only when they can be a whole message: a server that trickles costs no copies.
      const first = parts[0]?.length === 1 ? Buffer.concat(parts) : parts[0];
      if (octets < 2 || first === undefined || octets < 2 + first.readUInt16BE(0)) return;
      const accepted = accept(Buffer.concat(parts).subarray(2, 2 + first.readUInt16BE(0)));
      if (accepted === undefined) {
        fail('another answer than to the question');
        return;
      }
      clearTimeout(timer);
      socket.destroy();
      resolve(accepted);
    });
  });
}
