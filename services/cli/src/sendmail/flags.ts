/** sendmail's command line, as the programs of forty years call it. Flags without a meaning here are taken and ignored. */
export interface SendmailCall {
  readonly mode: 'deliver' | 'list-queue' | 'new-aliases' | 'refused';
  readonly from?: string;
  /** -t: recipients from To, Cc and Bcc. */
  readonly recipientsFromHeader: boolean;
  /** -i or -oi: a line with a single dot does not end the message. */
  readonly ignoreDots: boolean;
  readonly fullName?: string;
  readonly recipients: readonly string[];
}

/** Flags that take a value, in the same word or the next. */
const withValue = new Set([
  'f',
  'r',
  'F',
  'o',
  'O',
  'B',
  'N',
  'R',
  'V',
  'X',
  'L',
  'h',
  'p',
  'q',
  'd',
  'C',
  'M',
]);
/** Their value stands in the same word or nowhere. */
const sameWordOnly = new Set(['o', 'q', 'd', 'p']);

export function parseSendmailFlags(words: readonly string[]): SendmailCall {
  const call: { -readonly [K in keyof SendmailCall]: SendmailCall[K] } = {
    mode: 'deliver',
    recipientsFromHeader: false,
    ignoreDots: false,
    recipients: [],
  };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      call.recipients = [...call.recipients, ...rest.splice(0)];
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      call.recipients = [...call.recipients, word];
      continue;
    }
    const flag = word[1] ?? '';
    const inWord = word.slice(2);
    const value =
      inWord !== '' || !withValue.has(flag) || sameWordOnly.has(flag) ? inWord : (rest.shift() ?? '');
    apply(call, flag, value);
  }
  return call;
}

function apply(
  call: { -readonly [K in keyof SendmailCall]: SendmailCall[K] },
  flag: string,
  value: string,
): void {
  if (flag === 'f' || flag === 'r') call.from = value === '<>' ? '' : value.replaceAll(/^<|>$/g, '');
  else if (flag === 'F') call.fullName = value;
  else if (flag === 't') call.recipientsFromHeader = true;
  else if (flag === 'i' || (flag === 'o' && value === 'i')) call.ignoreDots = true;
  else if (flag === 'b') call.mode = modeOf(value);
}

/** -bm deliver, -bp list, -bi aliases; a daemon (-bd) or a session on standard input (-bs) is none of this program. */
function modeOf(value: string): SendmailCall['mode'] {
  if (value === '' || value === 'm') return 'deliver';
  if (value === 'p') return 'list-queue';
  return value === 'i' ? 'new-aliases' : 'refused';
}
