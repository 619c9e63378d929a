/**
 * What clients may take of us (RFC 5321 §4.5.3): for all listeners, and what one of them, or a network of clients, has
 * otherwise.
 */
import { z } from 'zod';
import {
  duration,
  durationIfSet,
  lineOctets,
  lineOctetsIfSet,
  network,
  octets,
  octetsIfSet,
  textLine,
  textLineIfSet,
} from './values.js';

const count = z.int().min(0);
/** Connections a process takes, or a listener; one more gets 421. */
const connections = z.int().min(1);
/** RFC 5321 §4.5.3.1.10 */
const recipients = z.int().min(100);
const positive = z.int().min(1);

/** What a listener may have otherwise, or a network of clients. Failures to authenticate count over all of them. */
const ownLimits = {
  message_size: octetsIfSet,
  recipients: recipients.optional(),
  received_headers: positive.optional(),
  connections: connections.optional(),
  unknown_commands: positive.optional(),
  bad_commands: positive.optional(),
  refused_recipients: positive.optional(),
  command_line: lineOctetsIfSet,
  text_line: textLineIfSet,
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
};

/** Of one listener, in the place of those of all. */
export const listenerLimits = z.strictObject(ownLimits).prefault({});

/** Of the clients of some networks, in the place of those of their listener; `connections` are those of all of them. */
const networkLimits = z.strictObject({ networks: z.array(network).min(1), ...ownLimits });

export const limits = z
  .strictObject({
    message_size: octets('50MiB'),
    recipients: recipients.default(1000),
    received_headers: positive.default(100),
    connections: connections.default(10_000),
    /** Lines that are no command of ours, until a mail is accepted; one more gets 421. */
    unknown_commands: positive.default(10),
    /** Commands that are wrong, or come out of order, likewise. */
    bad_commands: positive.default(20),
    /** Recipients who are refused for good, likewise. */
    refused_recipients: positive.default(100),
    /** Of a command with its CRLF (RFC 5321 §4.5.3.1.4); AUTH may be longer (RFC 4954 §4). */
    command_line: lineOctets('2KiB'),
    /** Of a line of mail with its CRLF (RFC 5321 §4.5.3.1.6); 0B: as long as it comes. */
    text_line: textLine('0B'),
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
    /** Clients by their network, the narrowest that they are in. */
    networks: z
      .record(
        z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be a name in lower case, as in partners'),
        networkLimits,
      )
      .default({}),
  })
  .prefault({});
