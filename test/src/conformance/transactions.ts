/** What the session specs share: an ingress that takes mail from us, and a whole transaction with it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { MailObject } from '@postrider/mail';
import { afterEach, expect } from 'vitest';
import type { RawClient } from './raw-client.js';
import { startIngress, type IngressOptions, type RunningIngress } from './running-ingress.js';

const running: RunningIngress[] = [];
/** An ingress whose clients may relay. */
export async function start(options: IngressOptions = {}): Promise<RunningIngress> {
  const ingress = await startIngress({
    ...options,
    config: { relay: { networks: ['127.0.0.0/8'] }, ...options.config },
  });
  running.push(ingress);
  return ingress;
}
/** Ingresses end with their test. */
afterEach(async () => {
  await Promise.all(running.splice(0).map((ingress) => ingress.drain()));
});

export const transaction = ['MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>', 'DATA'];

/** A whole transaction. @returns the reply to its end */
export async function send(client: RawClient, content: string): Promise<string> {
  expect(await client.codes(...transaction)).toEqual([250, 250, 354]);
  const { code, lines } = await client.command(`${content}\r\n.`);
  return `${code} ${lines.join(' ')}`;
}

export const contentOf = (mail: MailObject | undefined): string =>
  Buffer.from(mail?.content ?? []).toString('latin1');

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(5);
}
