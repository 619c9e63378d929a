import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeConfig, printConfig } from './describe.js';
import { ConfigError, loadConfig, type LoadedConfig, type LoadOptions } from './load.js';
import { configSchema } from './schema.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
  return name;
}

const load = (options: LoadOptions = {}): LoadedConfig => loadConfig({ cwd: folder, ...options });
const fromText = (text: string): LoadedConfig => load({ path: write('p.yaml', text) });

function problemsOf(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('with no file every key has its default', () => {
  const { config, files } = load();
  expect(files).toEqual([]);
  expect(config.listeners['mx']?.listen).toEqual([
    { host: '127.0.0.1', port: 2525 },
    { host: '::1', port: 2525 },
  ]);
  expect(config.limits.message_size).toBe(50 * 1024 * 1024);
  expect(config.queue.retry).toEqual({ first: 300_000, max: 14_400_000 });
  expect(config.shutdown_timeout).toBe(10_000);
  expect(config.data_dir).toBe(join(folder, 'var'));
  // The loader's defaults are the schema's; only paths are absolute.
  const plain = configSchema.parse({});
  expect({ ...config, data_dir: './var', local: plain.local }).toEqual(plain);
});

describe('what is wrong is told with place, key and the right form', () => {
  test.each<[string, string[]]>([
    ['hostnam: mx.example.org', ['p.yaml:1: hostnam: unknown key; did you mean hostname?']],
    [
      'limits:\n  mesage_size: 1MiB',
      ['p.yaml:2: limits.mesage_size: unknown key; did you mean message_size?'],
    ],
    ['bogus: 1', ['p.yaml:1: bogus: unknown key']],
    [
      'limits: { message_size: 50 }',
      ['p.yaml:1: limits.message_size: must be a size with its unit, KiB MiB GiB, as in 50MiB (found 50)'],
    ],
    [
      'limits: { message_size: 50MB }',
      [
        'p.yaml:1: limits.message_size: must be a size with its unit, KiB MiB GiB, as in 50MiB (found "50MB")',
      ],
    ],
    [
      'queue:\n  expire: 5',
      ['p.yaml:2: queue.expire: must be a duration with its unit, ms s m h d, as in 5m (found 5)'],
    ],
    ['queue: { retry: 5m }', ['p.yaml:1: queue.retry: must be a map of keys (found "5m")']],
    [
      'relay:\n  networks:\n    - 127.0.0.0/8\n    - 1.2.3',
      ['p.yaml:4: relay.networks[1]: must be a network, as in 192.0.2.0/24 or 2001:db8::/32 (found "1.2.3")'],
    ],
    [
      'relay: { networks: [0.0.0.0/0] }',
      ['p.yaml:1: relay.networks[0]: 0.0.0.0/0 would relay mail for all the world: name your own networks'],
    ],
    [
      'relay: { networks: ["::/0"] }',
      ['p.yaml:1: relay.networks[0]: ::/0 would relay mail for all the world: name your own networks'],
    ],
    [
      'listeners: { mx: { listen: ["127.0.0.1:25"], proxy_from: [10.0.0.0/8, 0.0.0.0/0], xclient_from: ["::/0"] } }',
      [
        'p.yaml:1: listeners.mx.proxy_from[1]: 0.0.0.0/0 would let all the world say who it is: name your own hosts',
        'p.yaml:1: listeners.mx.xclient_from[0]: ::/0 would let all the world say who it is: name your own hosts',
      ],
    ],
    ['spool: { replicas: 2 }', ['p.yaml:1: spool.replicas: must be auto, 1, 3 or 5 (found 2)']],
    [
      'spool: { replicas: 3 }',
      ['p.yaml:1: spool.replicas: 3 needs a cluster in nats.servers; our own server keeps 1'],
    ],
    ['spool: { shards: 0 }', ['p.yaml:1: spool.shards: must be at least 1 (found 0)']],
    [
      'outbound: { channels_per_site: 5000 }',
      ['p.yaml:1: outbound.channels_per_site: must be at most 1000 (found 5000)'],
    ],
    [
      'listeners: { l: { role: lmtp, listen: ["127.0.0.1:25"] } }',
      ['p.yaml:1: listeners.l.listen[0]: port 25 is for SMTP: LMTP must not use it'],
    ],
    [
      'limits: { command_line: 1KiB }',
      [
        'p.yaml:1: limits.command_line: must be 1257B at least (RFC 5321 §4.5.3.1.4, and what extensions add) (found "1KiB")',
      ],
    ],
    [
      'limits: { networks: { here: { networks: [192.0.2.0/24] }, there: { networks: ["::1", 192.0.2.0/24] } } }',
      ["p.yaml:1: limits.networks.there.networks[1]: 192.0.2.0/24 is limits.networks.here's already"],
    ],
    [
      'limits: { networks: { here: { recipients: 100 } } }',
      ['p.yaml:1: limits.networks.here.networks: must be a list, as in [a, b]'],
    ],
    ['limits: { recipients: 100.5 }', ['p.yaml:1: limits.recipients: must be a whole number (found 100.5)']],
    [
      'outbound: { proxy: "http://proxy.test:3128" }',
      [
        'p.yaml:1: outbound.proxy: must be socks5://[user@]host:port, without a password (found "http://proxy.test:3128")',
      ],
    ],
    [
      'outbound: { proxy: "socks5://proxy.test:1080", proxy_password_file: x }',
      ['p.yaml:1: outbound.proxy_password_file: needs a user in outbound.proxy: socks5://user@host:port'],
    ],
    ['log: { level: loud }', ['p.yaml:1: log.level: must be debug, info, warn or error (found "loud")']],
    [
      'hostname: a_b.example',
      ['p.yaml:1: hostname: must be a domain, as in mx.example.org (found "a_b.example")'],
    ],
    [
      'local: { domains: localhost }',
      ['p.yaml:1: local.domains: must be a list, as in [a, b] (found "localhost")'],
    ],
    [
      'local:\n  domains: [localhost, example.org]',
      [
        'p.yaml:2: local.users: any is only for local.domains [localhost]: it takes mail for every name; use existing or listed',
      ],
    ],
    [
      'local: { users: listed, list: [me, you@b.test] }',
      ["p.yaml:1: local.list[1]: 'you@b.test': a name stands here without its @domain"],
    ],
    ['local: { list: [me] }', ['p.yaml:1: local.list: is read only with local.users: listed (it is any)']],
    [
      'local: { deliver: mx }',
      [
        'p.yaml:1: local.deliver: mx would send mail for our own domains back to us: use maildir:folder, lmtp://host:port or smtp://host:port',
      ],
    ],
    [
      'routes:\n  a.test: [mx, "smtp:nowhere"]',
      [
        'p.yaml:2: routes."a.test"[1]: smtp:nowhere is no next hop: use smtp://host:port (found "smtp:nowhere")',
      ],
    ],
    [
      'routes:\n  a.test: ["smtp://h.test:25", "maildir:x"]',
      [
        'p.yaml:2: routes."a.test"[1]: maildir: can\'t stand in a list: a list is fail-over among smtp://, lmtp:// and mx',
      ],
    ],
    ['routes: { "a b": mx }', [`p.yaml:1: routes."a b": must be a domain, '.suffix' or '*'`]],
    ['routes: { a.test: 5 }', ['p.yaml:1: routes."a.test": must be text (found 5)']],
    [
      'listeners: { MX: { listen: ["127.0.0.1:25"] } }',
      ['p.yaml:1: listeners.MX: must be a name in lower case, as in mx'],
    ],
    ['listeners: { mx: { listen: [] } }', ['p.yaml:1: listeners.mx.listen: must not be empty (found [])']],
    [
      'listeners:\n  mx:\n    listen: [nowhere]',
      [
        'p.yaml:3: listeners.mx.listen[0]: must be address:port, as in 127.0.0.1:2525 or [::1]:2525 (found "nowhere")',
      ],
    ],
    [
      'listeners:\n  a:\n    listen: ["127.0.0.1:25"]\n    tls: { certificate_file: x.pem }',
      ['p.yaml:4: listeners.a.tls.key_file: certificate_file and key_file are set together'],
    ],
    [
      'listeners:\n  a:\n    listen: ["127.0.0.1:25"]\n    role: submissions\n    tls: { mode: off }',
      ['p.yaml:5: listeners.a.tls.mode: submissions is TLS from the first octet on: it can not be off'],
    ],
    [
      'listeners:\n  a: { listen: ["127.0.0.1:25"] }\n  b: { listen: ["127.0.0.1:25"] }',
      ["p.yaml:3: listeners.b.listen[0]: 127.0.0.1 port 25 is listener a's already"],
    ],
    [
      'queue: { retry: { first: 5h } }',
      ['p.yaml:1: queue.retry.first: must not be longer than queue.retry.max'],
    ],
    [
      'nats: { creds_file: x }',
      ['p.yaml:1: nats.creds_file: needs nats.servers: our own server makes its credentials'],
    ],
    ['version: 2', ['p.yaml:1: version: must be 1 (found 2)']],
    [
      'hostname: a.test\nlog: {}\nhostname: b.test',
      ["p.yaml:3: the key 'hostname' stands here for the second time"],
    ],
    ['limits:\n\tmessage_size: 1MiB', ['p.yaml:2: not YAML: a tab where blanks must be']],
    ['- a\n- b', ["p.yaml:1: must be a map of keys, as in 'hostname: mx.example.org'"]],
    [
      'hostname: 5\nbogus: 1\nlog: { level: x }',
      [
        'p.yaml:1: hostname: must be text (found 5)',
        'p.yaml:3: log.level: must be debug, info, warn or error (found "x")',
        'p.yaml:2: bogus: unknown key',
      ],
    ],
  ])('%j', (text, expected) => {
    expect(problemsOf(() => fromText(text))).toEqual(expected);
  });

  test('YAML that is cut off', () => {
    expect(problemsOf(() => fromText('log: [\n'))[0]).toMatch(/^p\.yaml:\d+: not YAML: /);
  });

  test('paths that are not there', () => {
    expect(problemsOf(() => load({ path: 'missing.yaml' }))).toEqual([
      'missing.yaml: no such file or folder',
    ]);
    mkdirSync(join(folder, 'empty'));
    expect(problemsOf(() => load({ path: 'empty' }))).toEqual(['empty: a folder without any *.yaml']);
    write('misnamed/a.yml', '');
    expect(problemsOf(() => load({ path: 'misnamed' }))).toEqual([
      'misnamed/a.yml: is not read: end its name in .yaml',
    ]);
  });
});

describe('sources', () => {
  test('default, files, environment, flags: the later one wins', () => {
    write('p.yaml', 'hostname: file.example\nlog: { level: warn, format: json }\n');
    const loaded = load({
      path: 'p.yaml',
      environment: { POSTRIDER__LOG__LEVEL: 'error', POSTRIDER__LOG__FORMAT: 'text', PATH: '/bin' },
      flags: { 'log.level': 'debug' },
    });
    expect(loaded.config.log).toEqual({ level: 'debug', format: 'text' });
    const origins = Object.fromEntries(describeConfig(loaded).map(({ key, origin }) => [key, origin]));
    expect(origins).toMatchObject({
      hostname: 'p.yaml:1',
      'log.level': '--log.level',
      'log.format': 'POSTRIDER__LOG__FORMAT',
      'limits.message_size': 'default',
      'listeners.mx.listen': 'default',
    });
  });

  test('the environment is YAML, and its errors name the variable', () => {
    const { config } = load({
      environment: {
        POSTRIDER__NATS__SERVERS: '[a.example:4222, b.example:4222]',
        POSTRIDER__HOSTNAME: 'mx.example.org',
        POSTRIDER__SPOOL__SHARDS: '8',
        POSTRIDER__ROUTES: '{ dest.test: "smtp://127.0.0.1:2526" }',
        POSTRIDER__POSTMASTER: '',
      },
    });
    expect(config.nats.servers).toEqual(['a.example:4222', 'b.example:4222']);
    expect(config.spool.shards).toBe(8);
    expect(Object.keys(config.routes)).toEqual(['*', 'dest.test']);
    const wrong = { POSTRIDER__LIMITS__MESAGE_SIZE: '1MiB', POSTRIDER__SPOOL__SHARDS: 'many' };
    expect(problemsOf(() => load({ environment: wrong }))).toEqual([
      'POSTRIDER__SPOOL__SHARDS: spool.shards: must be a number (found "many")',
      'POSTRIDER__LIMITS__MESAGE_SIZE: limits.mesage_size: unknown key; did you mean message_size?',
    ]);
    expect(problemsOf(() => load({ environment: { POSTRIDER__NATS__SERVERS: '[a' } }))[0]).toMatch(
      /^POSTRIDER__NATS__SERVERS: not YAML/,
    );
  });

  test('a folder: its files by name, maps merge, lists are replaced', () => {
    write('c/20-b.yaml', 'relay: { domains: [b.test] }\nroutes: { b.test: "smtp://127.0.0.1:2" }\n');
    write(
      'c/10-a.yaml',
      'hostname: mx.example.org\nrelay: { domains: [a.test, c.test] }\nroutes: { a.test: mx }\n',
    );
    write('c/README', 'not read');
    write('c/..data/30.yaml', 'hostname: other.example');
    const { config, files, folders } = load({ path: 'c' });
    expect(config.hostname).toBe('mx.example.org');
    expect(config.relay.domains).toEqual(['b.test']);
    expect(Object.keys(config.routes).sort()).toEqual(['*', 'a.test', 'b.test']);
    expect(files).toEqual([join(folder, 'c/10-a.yaml'), join(folder, 'c/20-b.yaml')]);
    expect(folders).toEqual([join(folder, 'c')]);
  });

  test('a section or key with nothing behind it is not set', () => {
    expect(fromText('hostname:\nlimits:\n  # message_size: 1MiB\n').config.limits.recipients).toBe(1000);
    expect(fromText('').config.hostname).toBe('');
  });

  test('listeners that are named replace the default one', () => {
    const { config } = fromText('listeners: { in: { listen: ["127.0.0.1:25"] } }');
    expect(Object.keys(config.listeners)).toEqual(['in']);
  });

  test('with outside NATS no network relays unless it is named', () => {
    expect(
      fromText(`hostname: mx.example.org\nnats: { servers: [n.example] }`).config.relay.networks,
    ).toEqual([]);
    expect(
      fromText('hostname: mx.example.org\nnats: { servers: [n.example] }\nrelay: { networks: [10.0.0.0/8] }')
        .config.relay.networks,
    ).toHaveLength(1);
  });

  test('relative paths count from the folder of the file that sets them, others from the working directory', () => {
    write(
      'etc/p.yaml',
      [
        'data_dir: var',
        'aliases: { files: [aliases, /etc/aliases] }',
        'routes: { a.test: "maildir:./mail", b.test: "maildir:/srv/mail" }',
      ].join('\n'),
    );
    const { config } = load({ path: 'etc/p.yaml' });
    expect(config.data_dir).toBe(join(folder, 'etc/var'));
    expect(config.aliases.files).toEqual([join(folder, 'etc/aliases'), '/etc/aliases']);
    expect(config.routes['a.test']).toEqual([{ via: 'maildir', folder: join(folder, 'etc/mail') }]);
    expect(config.routes['b.test']).toEqual([{ via: 'maildir', folder: '/srv/mail' }]);
    expect(config.local.deliver).toEqual({ via: 'maildir', folder: join(folder, 'var/mail') });
    write('etc/n.yaml', 'hostname: mx.example.org\nnats: { servers: [n.example], nkey_file: my.nk }');
    const { nats } = load({ path: 'etc/n.yaml', environment: { POSTRIDER__NATS__CA_FILE: 'ca.pem' } }).config;
    expect(nats.nkey_file).toBe(join(folder, 'etc/my.nk'));
    expect(nats.ca_file).toBe(join(folder, 'ca.pem'));
  });
});

test('what config show prints can be loaded again and means the same', () => {
  const loaded = fromText(
    'hostname: mx.example.org\nroutes: { a.test: ["smtp://h.test:26", mx] }\nrelay: { networks: ["2001:db8::/32"] }\nlimits: { message_size: 20MiB }',
  );
  const printed = printConfig(loaded, { origin: true });
  expect(printed).toContain('message_size: 20MiB # p.yaml:4');
  expect(printed).toContain('recipients: 1000 # default');
  expect(load({ path: write('again.yaml', printed) }).config).toEqual(loaded.config);
});

test('certificate files count from the folder of their configuration', () => {
  const files = 'certificate_file: c.pem, key_file: k/p.pem';
  const { config } = fromText(
    `listeners:\n  mx:\n    listen: ["127.0.0.1:25"]\n    tls: { ${files}, sni: { mail.test: { ${files} } } }`,
  );
  const absolute = { certificate_file: join(folder, 'c.pem'), key_file: join(folder, 'k/p.pem') };
  expect(config.listeners['mx']?.tls).toEqual({
    mode: 'auto',
    min_version: 'TLSv1.2',
    ...absolute,
    sni: { 'mail.test': absolute },
  });
});
