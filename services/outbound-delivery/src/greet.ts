/** connect → greeting → EHLO (or HELO, or LHLO) → STARTTLS → EHLO: a session that is ready for mail. */
import { parseExtensions, type Extensions, type ServerReply } from '@postrider/smtp';
import { SmtpConnection, timeouts, type Peer } from './smtp-connection.js';
import { diagnosticOf, ExchangerRefused, SessionLost } from './trouble.js';

export interface GreetOptions {
  readonly lmtp: boolean;
  /** Our name in EHLO. */
  readonly ehlo: string;
  /** STARTTLS where it is offered. */
  readonly tls: boolean;
}

export interface ReadySession {
  readonly connection: SmtpConnection;
  readonly extensions: Extensions;
}

/** @throws SessionLost, ExchangerRefused */
export async function greet(peer: Peer, options: GreetOptions): Promise<ReadySession> {
  const connection = await SmtpConnection.open(peer);
  try {
    expectReady(await connection.reply(timeouts.greeting), connection);
    const extensions = await hello(connection, options);
    if (!options.tls || !extensions.has('STARTTLS')) return { connection, extensions };
    return { connection, extensions: await encrypt(connection, options) };
  } catch (error) {
    connection.end();
    // Opportunistic TLS: a server whose TLS is broken gets the mail as it would without.
    if (error instanceof TlsFailed) return greet(peer, { ...options, tls: false });
    throw error;
  }
}

class TlsFailed extends Error {}

async function hello(connection: SmtpConnection, { lmtp, ehlo }: GreetOptions): Promise<Extensions> {
  connection.write([`${lmtp ? 'LHLO' : 'EHLO'} ${ehlo}\r\n`]);
  const reply = await connection.reply(timeouts.ehlo);
  if (reply.code === 250) return parseExtensions(reply.lines);
  // RFC 5321 §3.2: a server without extensions.
  if (!lmtp && reply.code >= 500 && reply.code !== 521) {
    connection.write([`HELO ${ehlo}\r\n`]);
    expectReady(await connection.reply(timeouts.ehlo), connection);
    return new Map();
  }
  expectReady(reply, connection);
  return new Map();
}

async function encrypt(connection: SmtpConnection, options: GreetOptions): Promise<Extensions> {
  connection.write(['STARTTLS\r\n']);
  const reply = await connection.reply(timeouts.starttls);
  // RFC 3207 §4: 454 and others: it goes on unencrypted, in the same session.
  if (reply.code !== 220) return hello(connection, options);
  try {
    await connection.startTls();
    return await hello(connection, options);
  } catch (error) {
    if (error instanceof SessionLost) throw new TlsFailed(error.message);
    throw error;
  }
}

function expectReady(reply: ServerReply, connection: SmtpConnection): void {
  if (reply.code < 300) return;
  throw new ExchangerRefused(reply.code >= 500, diagnosticOf(reply, connection.remoteMta));
}
