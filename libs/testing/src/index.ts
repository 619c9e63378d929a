export { ChildUnderTest, type ChildEnd, type ChildOptions } from './child-under-test.js';
export {
  runDisturbances,
  type Disturbance,
  type DisturbanceRow,
  type DisturbanceRunOptions,
} from './disturbance-run.js';
export { freePort } from './free-port.js';
export { runKills, type KillRow, type KillRunOptions, type KillTarget } from './kill-run.js';
export {
  sendLoad,
  startLoad,
  type AcceptedMail,
  type LoadOptions,
  type LoadResult,
  type RunningLoad,
} from './load/load.js';
export { sendMail, type LoadMail, type MailFate } from './load/send-mail.js';
export { ConnectionLost, SmtpClient, type ClientReply } from './load/smtp-client.js';
export { startNameserver, type Nameserver, type Query } from './nameserver/nameserver.js';
export type { NameRecords, Records } from './nameserver/records.js';
export { selfSigned, type Certificate } from '@postrider/runtime';
export { headerValue } from './sink/content-reader.js';
export type { SinkRule, SinkRules, Stage } from './sink/rules.js';
export { startSinkProcess, type SinkProcess, type SinkProcessOptions } from './sink/sink-process.js';
export { defaultMarkerHeader, startSink, usualExtensions, type Sink, type SinkOptions } from './sink/sink.js';
export type { ReceivedMail, SinkReport } from './sink/tally.js';
export { tempFolder, type TempFolder } from './temp-folder.js';
export { waitFor } from './wait-for.js';
