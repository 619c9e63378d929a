/** One mail of the load over an open connection, and what its sender may believe afterwards. */
import { ConnectionLost, type ClientReply, type SmtpClient } from './smtp-client.js';

export interface LoadMail {
  readonly from: string;
  readonly to: string;
  /** Header and body with the final dot. */
  readonly content: readonly (string | Buffer)[];
}

export type MailFate =
  | { readonly fate: 'accepted'; readonly reply: ClientReply }
  | { readonly fate: 'refused'; readonly reply: ClientReply }
  /** The connection broke, or 421 came, before the final dot was sent: it can't have been accepted. */
  | { readonly fate: 'unsent' }
  /** The connection broke after the final dot, before its reply (RFC 1047). */
  | { readonly fate: 'unknown' };

/** Never throws: a broken connection is a fate. */
export async function sendMail(client: SmtpClient, mail: LoadMail): Promise<MailFate> {
  let dotSent = false;
  try {
    client.write(`MAIL FROM:<${mail.from}>\r\nRCPT TO:<${mail.to}>\r\nDATA\r\n`);
    const replies = [await client.reply(), await client.reply(), await client.reply()];
    const bad = replies.find(({ code }) => code >= 400);
    if (bad !== undefined) return await giveUp(client, bad, replies[2]?.code === 354);
    dotSent = true;
    client.write(...mail.content);
    return fateOf(await client.reply());
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
    return { fate: dotSent ? 'unknown' : 'unsent' };
  }
}

async function giveUp(client: SmtpClient, reply: ClientReply, openData: boolean): Promise<MailFate> {
  // RFC 2920 §3.1: 354 though no recipient is valid is answered with an empty mail.
  if (openData) await client.ask('.\r\n');
  if (reply.code !== 421) await client.ask('RSET\r\n');
  return fateOf(reply);
}

function fateOf(reply: ClientReply): MailFate {
  if (reply.code === 421) return { fate: 'unsent' };
  return { fate: reply.code < 300 ? 'accepted' : 'refused', reply };
}
