export {
  derivedMailId,
  isMailId,
  mailIdPattern,
  mailIdSource,
  timeOfMailId,
  type MailId,
} from './mail-id.js';
export {
  wantsDsn,
  type ClientFacts,
  type Envelope,
  type EnvelopeDsn,
  type LargeContent,
  type MailObject,
  type Notify,
  type Recipient,
} from './mail-object.js';
export {
  isFinal,
  type Diagnostic,
  type FinalKind,
  type FinalRecord,
  type MailRecord,
} from './delivery-record.js';
export {
  decideRoute,
  parseRouteTarget,
  type RouteDecision,
  type RouteTarget,
  type RouteTargets,
  type Routing,
} from './route.js';
export { buildDsn, type DsnAction, type DsnOptions, type DsnRecipient } from './dsn.js';
export {
  isTooLate,
  releasedAt,
  type DeliverBy,
  type Release,
  type Scheduled,
  type Scheduling,
} from './scheduling.js';
export { dateTime } from './date-time.js';
export {
  addressOctets,
  unmappedAddress,
  coversNetwork,
  isInNetwork,
  Networks,
  parseNetwork,
  type AddressRange,
} from './network.js';
export {
  decidingRule,
  parseAccessRule,
  type AccessAction,
  type AccessFacts,
  type AccessRule,
} from './access.js';
export {
  isFullyQualified,
  mayRelay,
  relayRules,
  relayTrust,
  relayVerdict,
  ruleTrusts,
  type RelayRules,
  type RelayTrust,
  type RelayVerdict,
} from './relay-control.js';
export { parseAccessFile, type PlacedRule } from './access-file.js';
export { NumberColumn, ValueColumn } from './columns.js';
export { MailIdRows } from './mail-id-rows.js';
export { MailTable, type RowForm } from './mail-table.js';
export { packEnvelope, unpackEnvelope } from './packed-envelope.js';
