/** What a next hop is told of when a mail is to go (RFC 2852 §4.1.4, RFC 6710 §4.2), and who can't be told. */
import type { Scheduling } from '@postrider/mail';
import type { RecipientOutcome } from '@postrider/protocol';
import type { Extensions } from '@postrider/smtp';

export interface SchedulingOffer {
  /** DELIVERBY: seconds that must be left with R; undefined: not offered. */
  readonly deliverBy: number | undefined;
  /** MT-PRIORITY */
  readonly priority: boolean;
}

export function schedulingOffer(extensions: Extensions): SchedulingOffer {
  const least = extensions.get('DELIVERBY');
  return {
    // min-by-time = [1*9DIGIT] (RFC 2852 §2); other options may stand behind it.
    deliverBy: least === undefined ? undefined : Number(/^[0-9]{0,9}/.exec(least)?.[0] ?? 0),
    priority: extensions.has('MT-PRIORITY'),
  };
}

interface Hop extends SchedulingOffer {
  readonly host: string;
  readonly lmtp: boolean;
}

/** @param now milliseconds since the epoch; @returns parameters of MAIL, each with a space in front */
export function schedulingParameters(scheduling: Scheduling | undefined, hop: Hop, now: number): string {
  const { deliverBy, priority } = scheduling ?? {};
  const by =
    deliverBy && hop.deliverBy !== undefined
      ? ` BY=${secondsLeft(deliverBy, now)};${deliverBy.mode}${deliverBy.trace ? 'T' : ''}`
      : '';
  return by + (priority !== undefined && hop.priority ? ` MT-PRIORITY=${priority}` : '');
}

/** RFC 2852 §4.1.4.1: mail that is to be returned goes to nobody who would not return it. */
export function notInTime(
  scheduling: Scheduling | undefined,
  hop: Hop,
  now: number,
): Pick<RecipientOutcome, 'outcome' | 'diagnostic'> | undefined {
  const { deliverBy } = scheduling ?? {};
  if (deliverBy?.mode !== 'R') return undefined;
  const left = secondsLeft(deliverBy, now);
  if (left <= 0) return permanent('5.4.7', 'not delivered by the time the sender set');
  // Behind LMTP it is delivered, not relayed (RFC 2033 §1).
  if (hop.deliverBy === undefined)
    return hop.lmtp
      ? undefined
      : permanent(
          '5.3.3',
          `${hop.host} does not offer DELIVERBY, and so can not be asked to return it in time`,
        );
  return left >= hop.deliverBy
    ? undefined
    : permanent('5.4.7', `${left} s are left, ${hop.host} takes mail that has ${hop.deliverBy}`);
}

/** RFC 2852 §4.1.4.2: in time, and to a server that will not know of it. Behind LMTP it is delivered, not relayed. */
export const dropsDeliverBy = (scheduling: Scheduling | undefined, hop: Hop, now: number): boolean => {
  const { deliverBy } = scheduling ?? {};
  return deliverBy?.mode === 'N' && now < deliverBy.at && hop.deliverBy === undefined && !hop.lmtp;
};

const secondsLeft = ({ at }: NonNullable<Scheduling['deliverBy']>, now: number): number =>
  Math.floor((at - now) / 1_000);

const permanent = (status: string, text: string) =>
  ({ outcome: 'permanent', diagnostic: { status, text } }) as const;
