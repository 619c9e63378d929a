import { addressOctets, decidingRule, type AccessFacts, type PlacedRule } from '@postrider/mail';
import { readAccessRules } from '@postrider/runtime';
import { isMailbox } from '@postrider/smtp';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { configuration } from '../connection.js';
import { parseFlags } from '../flags.js';

export const access: Command = {
  name: 'access',
  synopsis: [
    'access check --client ADDRESS --from ADDRESS|"" --to ADDRESS',
    '             [--name N] [--helo H] [--listener L] [--identity I] [--tls]',
  ],
  summary: 'which access rule decides; 1 when none does, and relay control decides',
  run(words) {
    const text = { type: 'string' } as const;
    const asked = { client: text, from: text, to: text, name: text, helo: text } as const;
    const flags = { ...asked, listener: text, identity: text, tls: { type: 'boolean' } } as const;
    const { values, positionals } = parseFlags(words, flags, 1);
    const { client, to, name, identity } = values;
    const from = values.from === '<>' ? '' : values.from;
    if (positionals.join(' ') !== 'check' || client === undefined || from === undefined || to === undefined)
      throw new UsageError("say 'check' with --client, --from and --to");
    if (!addressOctets(client)) throw new UsageError(`--client is an IP address, not '${client}'`);
    if (!isMailbox(to) || (from !== '' && !isMailbox(from)))
      throw new UsageError('--from and --to are addresses');
    const { config } = configuration(values.config);
    const { listener = Object.keys(config.listeners)[0] ?? '' } = values;
    if (!Object.hasOwn(config.listeners, listener))
      throw new UsageError(`no listener '${listener}': one of ${Object.keys(config.listeners).join(', ')}`);
    const facts: AccessFacts = {
      client,
      from,
      to,
      helo: values.helo ?? '',
      listener,
      tls: values.tls === true,
      ...(name === undefined ? {} : { name }),
      ...(identity === undefined ? {} : { identity }),
    };
    return Promise.resolve(answer(readAccessRules(config.access), facts, values.json === true));
  },
};

function answer(rules: readonly PlacedRule[], facts: AccessFacts, json: boolean): number {
  const found = rules.find((rule) => decidingRule([rule], facts));
  if (json) sayJson(found ? { place: found.place, rule: found.text } : null);
  else
    say(found ? `${found.place}: ${found.text}` : `no rule of ${rules.length} decides: relay control does`);
  return found ? exitCodes.done : exitCodes.nothingMatched;
}
