export type { EnhancedStatus, Reply } from './reply.js';
export {
  AddressSyntax,
  domainlessPostmaster,
  isIpv4,
  isIpv6,
  type ForwardPath,
  type Mailbox,
} from './address-syntax.js';
export { parseCommandLine, type Command } from './command-line.js';
export {
  isString,
  parseEhloArgument,
  parseMailArguments,
  parseRcptArguments,
  type EsmtpParameters,
  type MailArguments,
  type Parsed,
  type RcptArguments,
} from './command-syntax.js';
export { DataScanner, type DataProblem } from './data-scanner.js';
export { limits } from './limits.js';
export { MimeHeaders } from './mime-headers.js';
export { LineReader, type CommandLine, type LineProblem } from './line-reader.js';
export { isDomain, isMailbox, parseMailbox, splitMailbox } from './mailbox.js';
export { plainReply, renderReply, reply, replyText } from './render-reply.js';
export {
  nameUnavailableNow,
  parseClientAddress,
  parseClientAttributes,
  type ClientAttributes,
} from './client-attributes.js';
export { parseProxyHeader, type ProxyHeader } from './proxy-header.js';
export { parseXtext, printXtext } from './xtext.js';
export { isAscii, utf8Text } from './utf8.js';
export { parseUtf8Address, utf8AddressUnitext, utf8AddressXtext } from './utf8-address.js';
export { DotStuffer, stuffed } from './dot-stuffing.js';
export { parseExtensions, sizeLimit, type Extensions } from './ehlo-reply.js';
export {
  enhancedStatusOf,
  MalformedReply,
  ReplyReader,
  serverReplyText,
  type ServerReply,
} from './reply-reader.js';
