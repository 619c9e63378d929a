/** ETRN (RFC 1985): who may start the queue, for what, and what it hears of it. */
import { queueManager, shard as shardProtocol, type MailFilter } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import type { RunningIngress } from './running-ingress.js';
import { start } from './transactions.js';

/** Owners of two shards, of which the first has mail for what was asked. */
async function owners(ingress: RunningIngress): Promise<readonly MailFilter[]> {
  const filters: MailFilter[] = [];
  await ingress.bus.host(queueManager, () => ({
    handlers: { shards: () => ({ shards: [{ shard: '0' }, { shard: '1' }] }) },
  }));
  const unused = (): never => {
    throw new Error('not asked for');
  };
  const others = Object.fromEntries(
    Object.keys(shardProtocol.messages).map((message) => [message, unused]),
  ) as unknown as Record<keyof (typeof shardProtocol)['messages'], () => never>;
  for (const key of ['0', '1'])
    await ingress.bus.host(
      shardProtocol,
      () => ({
        handlers: {
          ...others,
          retry: ({ filter }: { readonly filter: MailFilter }) => {
            filters.push(filter);
            const has = key === '0' && filter.domain !== 'empty.test';
            return { result: 'done' as const, ids: has ? ['a', 'b'] : [] };
          },
        },
      }),
      { key },
    );
  return filters;
}

test('for those who may: what waits is started in all shards', async () => {
  const ingress = await start({
    config: { privacy: { etrn: 'networks' }, relay: { networks: ['127.0.0.0/8'] } },
  });
  const filters = await owners(ingress);
  const client = await greetedClient(ingress.port);
  expect((await client.command('EHLO client.example')).lines).toContain('ETRN');
  expect(await client.command('ETRN Node.Example')).toEqual({
    code: 253,
    lines: ['2.0.0 OK, 2 pending messages for node Node.Example started'],
  });
  expect(
    await client.codes(
      'ETRN empty.test',
      'ETRN @node.example',
      'ETRN',
      'ETRN localname',
      'ETRN #uucp',
      'ETRN a b.c',
    ),
  ).toEqual([251, 253, 500, 501, 501, 501]);
  expect(filters).toEqual(
    [{ domain: 'node.example' }, { domain: 'empty.test' }, { below: 'node.example' }].flatMap((one) => [
      one,
      one,
    ]),
  );
  expect(await client.codes('MAIL FROM:<a@b.test>', 'ETRN node.example', 'RSET')).toEqual([250, 503, 250]);
  client.close();
});

test('for those who may not it is refused, and not shown', async () => {
  const some = await start({ config: { privacy: { etrn: 'authenticated' } } });
  const none = await start();
  for (const [{ port }, code] of [
    [some, 459],
    [none, 502],
  ] as const) {
    const client = await greetedClient(port);
    expect((await client.command('EHLO client.example')).lines).not.toContain('ETRN');
    expect((await client.command('ETRN node.example')).code).toBe(code);
    client.close();
  }
});

test('without owners that can be asked nothing is promised', async () => {
  const ingress = await start({ config: { privacy: { etrn: 'all' } } });
  const client = await greetedClient(ingress.port);
  expect((await client.command('ETRN node.example')).code).toBe(458);
  client.close();
});
