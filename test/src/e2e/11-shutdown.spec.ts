/** SIGTERM: no new mail, sessions told 421, outcomes written, exit 0; what was accepted is delivered after a restart. */
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { openDialogue } from './dialogue.js';
import { runClient, testWith } from './peers.js';

let postrider: RunningPostrider;
let sink: CountingSink;
beforeAll(async () => {
  const sinkPort = await freePort();
  sink = await startSmtpSink(sinkPort);
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    `routes: { "*": "smtp://127.0.0.1:${sinkPort}" }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  await sink.stop();
});

testWith('smtp-source', 'smtp-sink')('under load', async () => {
  const idle = await openDialogue(postrider.port);
  await idle.command('EHLO client.example');
  const words = ['-s', '5', '-m', '300', '-d', '-l', '1000', '-f', 'a@bench.test', '-t', 'b@dest.test'];
  expect(await runClient('smtp-source', [...words, `127.0.0.1:${postrider.port}`])).toMatchObject({
    code: 0,
  });
  const goodbye = idle.reply();
  expect(await postrider.stop()).toBe(0);
  expect(await goodbye).toMatch(/^421 4\.3\.2/);
  await postrider.start();
  await sink.reached(300);
  expect(sink.count()).toBe(300);
});
