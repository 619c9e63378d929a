import { isIP } from 'node:net';
import { askServer, isAtLeast, pinnedVersion } from '@postrider/nats-server';
import { outboundProxy, type Config } from '@postrider/runtime';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { addressOf, configuration } from '../connection.js';
import { checkCertificates, checkNatsCertificates } from '../doctor/certificates.js';
import {
  checked,
  checkEhlo,
  checkExchanger,
  checkReverse,
  checkSpf,
  ok,
  wrong,
  type Finding,
} from '../doctor/checks.js';
import { systemDns, type Dns } from '../doctor/dns.js';
import { lookThroughPort25 } from '../doctor/port-25.js';
import { parseFlags } from '../flags.js';
import { table } from '../table.js';

export const doctor: Command = {
  name: 'doctor',
  synopsis: ['doctor [--try HOST[:PORT]] [--egress ADDRESS] [--monitor URL]'],
  summary:
    'what receivers check about us: names, PTR, SPF, MX, port 25; certificates; NATS.\nRun it where mail goes out; 1 when something is WRONG',
  async run(words) {
    const text = { type: 'string' } as const;
    const { values } = parseFlags(words, { try: text, egress: text, monitor: text }, 0);
    if (values.egress !== undefined && isIP(values.egress) === 0)
      throw new UsageError('--egress is an address, as in 192.0.2.7');
    const { config } = configuration(values.config);
    const dns = systemDns(config.dns.servers);
    const findings = [
      ...(await outbound(config, dns, { through: values.try, egress: values.egress })),
      ...(await inbound(config, dns)),
      ...(await checkCertificates(config, Date.now())),
      await checkNatsVersion(config),
      ...(await checkNatsCertificates(config, Date.now())),
      await checkSync(values.monitor),
    ];
    if (values.json === true) sayJson(findings);
    else say(findingsText(findings));
    return findings.some(({ result }) => result === 'wrong') ? exitCodes.failed : exitCodes.done;
  },
};

interface WayOut {
  readonly through: string | undefined;
  readonly egress: string | undefined;
}

async function outbound(config: Config, dns: Dns, { through, egress }: WayOut): Promise<readonly Finding[]> {
  const ehlo = config.outbound.ehlo === '' ? config.hostname : config.outbound.ehlo;
  let address = egress;
  const port25 = await checked('port 25 out', async () => {
    if (through === undefined)
      return {
        result: 'unknown',
        text: 'name an exchanger that may be greeted: --try HOST; it gets EHLO and QUIT',
      };
    const proxy = outboundProxy(config);
    const [, host = through, port = '25'] = /^([^:]+):([0-9]+)$/.exec(through) ?? [];
    const seen = await lookThroughPort25(host, ehlo, { proxy, port: Number(port) });
    address ??= seen.byPeer;
    const from = proxy ? `SOCKS5 proxy ${proxy.host}:${proxy.port}` : seen.local;
    return ok(`${through} answers; from ${from}, it sees ${seen.byPeer ?? 'what it does not say'}`);
  });
  const name = await checkEhlo(ehlo, dns);
  if (address === undefined) {
    const why = 'not known: name it with --egress, or a peer that tells with --try';
    return [name, port25, { check: 'egress address', result: 'unknown', text: why }];
  }
  return [
    name,
    port25,
    { check: 'egress address', result: 'ok', text: address },
    await checkReverse(address, ehlo, dns),
    await checkSpf(address, ehlo, dns),
  ];
}

function inbound(config: Config, dns: Dns): Promise<readonly Finding[]> {
  const domains = [...config.local.domains, ...config.relay.domains].filter(
    (domain) => domain.includes('.') && !domain.startsWith('.'),
  );
  return Promise.all(domains.map((domain) => checkExchanger(domain, config.hostname, dns)));
}

const checkNatsVersion = (config: Config): Promise<Finding> =>
  checked('NATS', async () => {
    const { version, jetStream } = await askServer(addressOf(config), 'doctor');
    if (!jetStream) return wrong(`nats-server ${version} runs without JetStream`);
    return isAtLeast(version, pinnedVersion)
      ? ok(`nats-server ${version}`)
      : wrong(
          `nats-server ${version}: ${pinnedVersion} at least, older ones have no group commit in a cluster`,
        );
  });

/** Clients are not told: only the monitoring port says whether an acknowledgement means 'on the disk'. */
const checkSync = (monitor: string | undefined): Promise<Finding> =>
  checked('NATS sync', async () => {
    if (monitor === undefined)
      return { result: 'unknown', text: "only a server's monitoring port tells: --monitor http://HOST:8222" };
    const response = await fetch(new URL('/varz', monitor), { signal: AbortSignal.timeout(5_000) });
    const { jetstream } = (await response.json()) as { jetstream?: { config?: { sync_always?: boolean } } };
    return jetstream?.config?.sync_always === true
      ? ok('always')
      : wrong("not 'sync_interval: always': a crash of the host could lose mail that was answered with 250");
  });

function findingsText(findings: readonly Finding[]): string {
  const marks = { ok: 'ok', wrong: 'WRONG', unknown: '?' } as const;
  const rows = findings.map(({ check, result, text: said }) => [marks[result], check, said]);
  const records = findings.flatMap(({ publish }) => publish ?? []);
  const publish = records.length === 0 ? [] : ['', 'publish:', ...records.map((record) => `  ${record}`)];
  return [table(rows), ...publish].join('\n');
}
