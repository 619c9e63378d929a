import {
  addressOctets,
  decidingRule,
  relayRules,
  type AccessFacts,
  type PlacedRule,
  type RelayRules,
} from '@postrider/mail';
import { authMode, readAccessRules } from '@postrider/runtime';
import { isMailbox, parseMailbox, type Mailbox } from '@postrider/smtp';
import { exitCodes, say, sayJson, UsageError, type Command } from '../command.js';
import { configuration } from '../connection.js';
import { parseFlags } from '../flags.js';
import { relayDecision } from '../relay-view.js';

export const access: Command = {
  name: 'access',
  synopsis: [
    'access check --client ADDRESS --from ADDRESS|"" --to ADDRESS',
    '             [--name N] [--helo H] [--listener L] [--identity I] [--tls]',
  ],
  summary:
    'which access rule decides, and what relay control does where it has a say;\n1 when no rule decides, so that relay control does',
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
    const mailbox = parseMailbox(to);
    if (!mailbox || (from !== '' && !isMailbox(from))) throw new UsageError('--from and --to are addresses');
    const { config } = configuration(values.config);
    const { listeners } = config;
    const { listener = Object.keys(listeners)[0] ?? '' } = values;
    const settings = Object.hasOwn(listeners, listener) ? listeners[listener] : undefined;
    if (!settings)
      throw new UsageError(`no listener '${listener}': one of ${Object.keys(listeners).join(', ')}`);
    const facts: AccessFacts = {
      client,
      from,
      to: mailbox.text,
      helo: values.helo ?? '',
      listener,
      tls: values.tls === true,
      ...(name === undefined ? {} : { name }),
      ...(identity === undefined ? {} : { identity }),
    };
    const rules = readAccessRules(config.access);
    const answer =
      identity === undefined && authMode(settings) === 'required'
        ? authenticationRequired(listener)
        : decided(facts, mailbox, { rules, relay: relayRules(config) });
    if (values.json === true) sayJson(answer.json);
    else say(answer.text);
    return Promise.resolve(answer.json.rule === null ? exitCodes.nothingMatched : exitCodes.done);
  },
};

interface Answer {
  readonly json: {
    readonly place: string | null;
    readonly rule: string | null;
    /** MAIL is refused: neither rules nor relay control are asked. */
    readonly authenticationRequired: boolean;
    readonly relayControl: object | null;
  };
  readonly text: string;
}

const authenticationRequired = (listener: string): Answer => ({
  json: { place: null, rule: null, authenticationRequired: true, relayControl: null },
  text: `listener ${listener} refuses MAIL from a client that has not authenticated (530 5.7.0), before any rule is asked: --identity says who has`,
});

interface InForce {
  readonly rules: readonly PlacedRule[];
  readonly relay: RelayRules;
}

function decided(facts: AccessFacts, to: Mailbox, { rules, relay }: InForce): Answer {
  const rule = decidingRule(rules, facts);
  const control = relayDecision(facts, to, rule?.action, relay);
  const nothing = rules.length === 0 ? 'there are no access rules' : `no rule of ${rules.length} decides`;
  const first = rule ? `${rule.place}: ${rule.text}` : nothing;
  return {
    json: {
      place: rule?.place ?? null,
      rule: rule?.text ?? null,
      authenticationRequired: false,
      relayControl: control ?? null,
    },
    text: control ? `${first}\n${control.text}` : first,
  };
}
