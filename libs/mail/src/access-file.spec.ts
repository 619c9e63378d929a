import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAccessFile } from './access-file.js';

test.each<[string, string[]]>([
  ['', []],
  ['reject', ['access:1: reject']],
  [
    '# ours\r\n\r\n  \t\nclient=192.0.2.1 relay\r\n  reject  Go away \n',
    ['access:4: client=192.0.2.1 relay', 'access:5: reject  Go away'],
  ],
])('%j', (text, expected) => {
  const rules = parseAccessFile(text, 'access');
  if ('error' in rules) expect.unreachable(rules.error);
  else expect(rules.map((rule) => `${rule.place}: ${rule.text}`)).toEqual(expected);
});

test.each([
  ['reject\n\nfrom=x reject\nnonsense\n', "access:3: 'x' is no value for from="],
  [' # no comment\n', 'access:1: '],
])('%j: %s', (text, error) => {
  expect(parseAccessFile(text, 'access')).toEqual({ error: expect.stringContaining(error) as string });
});

test('any file has rules, or it is said which line is wrong', () => {
  const part = fc.oneof(
    fc.constantFrom('client=', '::1', 'from=', '@x.test', ' ', '\n', '\r\n', '#', 'reject', 'relay'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const text = parts.join('');
      const rules = parseAccessFile(text, 'x');
      if ('error' in rules) expect(rules.error).toMatch(/^x:\d+: /);
      else expect(rules.length).toBeLessThanOrEqual(text.split('\n').length);
    }),
  );
});
