export { aliasExpander, membersOfPage, type PageAnswer, type ResolveAnswer } from './alias-expander.js';
export { dnsResolver, type LocateAnswer, type MailExchanger, type ReverseAnswer } from './dns-resolver.js';
export {
  eventSubject,
  serviceNames,
  statusSubject,
  type EventFacts,
  type EventName,
  type EventRecord,
  type ServiceName,
  type HistogramFigure,
  type StatusRecord,
} from './events.js';
export {
  channel,
  outboundDelivery,
  worker,
  type ChannelEnd,
  type Destination,
  type HeldChannel,
  type Job,
  type JobEnvelope,
  type JobRecipient,
  type JobResult,
  type NextHop,
  type OpenAnswer,
  type OpenChannel,
  type RecipientOutcome,
} from './outbound-delivery.js';
export { keeper, queueManager, type ShardOwnership, type ToldWorker } from './queue-manager.js';
export {
  shard,
  type ChannelReport,
  type MailFilter,
  type QueuedMail,
  type QuarantineAct,
  type QuarantineAnswer,
  type QuarantinedRecord,
  type QueueSummary,
  type RecipientState,
  type SiteLimitState,
  type SiteState,
} from './shard.js';
export { smtpIngress, type SubmitAnswer, type SubmittedMail } from './smtp-ingress.js';
export { times } from './times.js';
