/** Recipients from the header (sendmail -t): addresses of To, Cc and Bcc (RFC 5322 §3.6.3). */
import { headerOf } from './message.js';

const recipientFields = /^(?:to|cc|bcc)$/i;

/** Address lists with names, comments and groups; what is no address is left out. */
export function recipientsOf(message: Buffer): readonly string[] {
  return fieldsOf(message)
    .filter(({ name }) => recipientFields.test(name))
    .flatMap(({ value }) => addressesIn(value));
}

export function withoutBcc(message: Buffer): Buffer {
  const header = headerOf(message);
  const kept = fieldsOf(message).filter(({ name }) => name.toLowerCase() !== 'bcc');
  return Buffer.concat([
    Buffer.from(kept.map(({ raw }) => raw).join(''), 'latin1'),
    message.subarray(header.length),
  ]);
}

interface Field {
  readonly name: string;
  readonly value: string;
  readonly raw: string;
}

function fieldsOf(message: Buffer): readonly Field[] {
  const raws = headerOf(message).match(/[^\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*/g) ?? [];
  return raws.map((raw) => {
    const colon = raw.indexOf(':');
    return {
      raw,
      name: raw.slice(0, Math.max(0, colon)).trim(),
      value: raw
        .slice(colon + 1)
        .replaceAll('\r\n', '')
        .trim(),
    };
  });
}

function addressesIn(list: string): readonly string[] {
  const plain = list.replaceAll(/\([^()]*\)/g, ' ');
  const items = plain.match(/(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,;:<>"])+/g) ?? [];
  return items.flatMap((item) => {
    const bracketed = /<([^<>]+)>/.exec(item)?.[1]?.trim();
    const address = bracketed ?? item.trim();
    return address === '' || /\s/.test(address) ? [] : [address];
  });
}
