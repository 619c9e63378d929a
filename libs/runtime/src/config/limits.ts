/** What clients may take of us (RFC 5321 §4.5.3): for all listeners, and what one of them has otherwise. */
import { z } from 'zod';
import { duration, durationIfSet, octets, octetsIfSet } from './values.js';

const count = z.int().min(0);
/** Connections a process takes, or a listener; one more gets 421. */
const connections = z.int().min(1);
/** RFC 5321 §4.5.3.1.10 */
const recipients = z.int().min(100);
const positive = z.int().min(1);

export const limits = z
  .strictObject({
    message_size: octets('50MiB'),
    recipients: recipients.default(1000),
    received_headers: positive.default(100),
    connections: connections.default(10_000),
    /** Commands that are unknown or wrong, until a mail is accepted; one more gets 421. */
    bad_commands: positive.default(20),
    /** Failures to authenticate by one address or under one name, within ten minutes. */
    auth_failures: positive.default(20),
    /** Of one address (IPv6: a /64) outside relay.networks; 0 is no limit. */
    per_client: z
      .strictObject({
        connections: count.default(200),
        connections_a_minute: count.default(0),
        mails_a_minute: count.default(0),
        recipients_a_minute: count.default(0),
      })
      .prefault({}),
    /** For so long a mail is held for who submits it (RFC 4865); 0s: FUTURERELEASE is not offered. */
    future_release: duration('30d'),
    /** Clients outside relay.networks wait so long for the banner; who speaks before it is refused. */
    greeting_delay: duration('0s'),
    /** Idle wait for a command (RFC 5321 §4.5.3.2.7). */
    command_timeout: duration('5m'),
    /** All of DATA; below the age at which orphaned chunks are swept. */
    data_time: duration('1h'),
    /** All of a session, but for a mail that has begun. */
    session_time: duration('1d'),
  })
  .prefault({});

/** Of one listener, in the place of those above. Failures to authenticate count over all listeners. */
export const listenerLimits = z
  .strictObject({
    message_size: octetsIfSet,
    recipients: recipients.optional(),
    received_headers: positive.optional(),
    connections: connections.optional(),
    bad_commands: positive.optional(),
    per_client: z
      .strictObject({
        connections: count.optional(),
        connections_a_minute: count.optional(),
        mails_a_minute: count.optional(),
        recipients_a_minute: count.optional(),
      })
      .optional(),
    future_release: durationIfSet,
    greeting_delay: durationIfSet,
    command_timeout: durationIfSet,
    data_time: durationIfSet,
    session_time: durationIfSet,
  })
  .prefault({});
