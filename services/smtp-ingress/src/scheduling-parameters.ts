/** The parameters of FUTURERELEASE (RFC 4865), DELIVERBY (RFC 2852) and MT-PRIORITY (RFC 6710): when a mail is to go. */
import type { Scheduling } from '@postrider/mail';
import { reply, type EsmtpParameters, type Reply } from '@postrider/smtp';
import type { SessionFacts } from './verbs/verb.js';

export interface Scheduled {
  readonly scheduling?: Scheduling;
}
type Refused = { readonly refused: Reply };
const refused = (text: string): Refused => ({ refused: reply(501, '5.5.4', text) });

const second = 1_000;

/** RFC 4865 §4.2 (2): on the submission ports and nowhere else. */
export const offersFutureRelease = ({ role, limits }: SessionFacts): boolean =>
  role.submission && limits.future_release >= second;

/** max-future-release-interval SP max-future-release-date-time (RFC 4865 §3) */
export function futureReleaseLimits({ ingress, limits }: SessionFacts): string {
  const latest = new Date(ingress.clock.now() + limits.future_release);
  return `${Math.floor(limits.future_release / second)} ${dateTimeOf(latest)}`;
}

/** RFC 3339, without fractions of a second. */
const dateTimeOf = (date: Date): string => date.toISOString().replace(/\.[0-9]+Z$/, 'Z');

/** future-release-integer = %x31-39 *8DIGIT, seconds (RFC 4865 §3) */
export function holdForValue(
  value: string | undefined,
  { ingress, limits }: SessionFacts,
  soFar: Scheduled,
): Scheduled | Refused {
  if (value === undefined || !/^[1-9][0-9]{0,8}$/.test(value))
    return refused('HOLDFOR must be a number of seconds, as in HOLDFOR=3600');
  if (Number(value) * second > limits.future_release) return tooFar;
  const release = { at: ingress.clock.now() + Number(value) * second, asked: `for;${value}` };
  return withRelease(release, soFar);
}

const dateTime =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/i;

/** Internet-style-date-time-UTC (RFC 3339 §5.6); a time that is over holds nothing. */
export function holdUntilValue(
  value: string | undefined,
  { ingress, limits }: SessionFacts,
  soFar: Scheduled,
): Scheduled | Refused {
  const at = value !== undefined && dateTime.test(value) ? Date.parse(value) : NaN;
  if (value === undefined || Number.isNaN(at))
    return refused('HOLDUNTIL must be a date and time, as in HOLDUNTIL=2026-01-01T00:00:00Z');
  if (at > ingress.clock.now() + limits.future_release) return tooFar;
  return withRelease({ at, asked: `until;${value}` }, soFar);
}

const tooFar = refused('Mail is not held for so long here');

/** RFC 4865 §4.2 (9) */
const withRelease = (
  release: NonNullable<Scheduling['release']>,
  { scheduling }: Scheduled,
): Scheduled | Refused =>
  scheduling?.release
    ? refused('Use either HOLDFOR or HOLDUNTIL')
    : { scheduling: { ...scheduling, release } };

/** by-value = by-time ";" by-mode [by-trace], by-time = ["-" / "+"] 1*9digit (RFC 2852 §4) */
export function byValue(
  value: string | undefined,
  { ingress }: SessionFacts,
  { scheduling }: Scheduled,
): Scheduled | Refused {
  const [, time = '', mode = '', trace] = /^([+-]?[0-9]{1,9});([NR])(T)?$/i.exec(value ?? '') ?? [];
  if (time === '') return refused('BY must be seconds;R or seconds;N, as in BY=120;R');
  const seconds = Number(time);
  if (mode.toUpperCase() === 'R') {
    if (seconds <= 0) return refused('BY with R must be a time to come');
    return { scheduling: { ...scheduling, deliverBy: by('R', seconds, trace, ingress.clock.now()) } };
  }
  return { scheduling: { ...scheduling, deliverBy: by('N', seconds, trace, ingress.clock.now()) } };
}

const by = (mode: 'N' | 'R', seconds: number, trace: string | undefined, now: number) => ({
  at: now + seconds * second,
  mode,
  trace: trace !== undefined,
});

/** priority-value = (["-"] NZDIGIT) / "0" (RFC 6710 §7); nobody but those we trust is served before others. */
export function priorityValue(
  value: string | undefined,
  facts: SessionFacts,
  { scheduling }: Scheduled,
): Scheduled | Refused {
  if (value === undefined || !/^(?:-?[1-9]|0)$/.test(value))
    return { refused: reply(501, '5.5.2', 'MT-PRIORITY must be a number from -9 to 9') };
  const asked = Number(value);
  const priority = asked > 0 && !mayHurry(facts) ? 0 : asked;
  return priority === 0 ? {} : { scheduling: { ...scheduling, priority } };
}

/** RFC 6710 §4.1 */
const mayHurry = ({ ingress, identity, address }: SessionFacts): boolean =>
  identity !== undefined || ingress.settings.priorityNetworks.has(address);

/** @returns the reply to MAIL when its priority is not the one that was asked for (RFC 6710 §4.1) */
export function loweredPriority(given: EsmtpParameters, { scheduling }: Scheduled): Reply | undefined {
  const asked = Number(given.get('MT-PRIORITY') ?? 0);
  const priority = scheduling?.priority ?? 0;
  return asked === priority
    ? undefined
    : reply(250, '2.3.6', `${priority} is the priority of this mail: you may not raise it`);
}

/** RFC 4865 §5.2.2: a mail that has to be there before it may go. */
export function contradiction({ scheduling }: Scheduled): Refused | undefined {
  const { release, deliverBy } = scheduling ?? {};
  return release && deliverBy && release.at > deliverBy.at
    ? refused('The mail would be released after it is to be delivered')
    : undefined;
}
