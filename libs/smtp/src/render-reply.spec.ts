import { describe, expect, test } from 'vitest';
import { limits } from './limits.js';
import { plainReply, renderReply, reply, replyText } from './render-reply.js';

describe('a reply on the wire', () => {
  test.each([
    [reply(250, '2.0.0', 'Ok'), '250 2.0.0 Ok\r\n'],
    [plainReply(354, 'Go on'), '354 Go on\r\n'],
    [
      plainReply(250, 'mx.test greets you', 'SIZE 1', 'HELP'),
      '250-mx.test greets you\r\n250-SIZE 1\r\n250 HELP\r\n',
    ],
    [reply(551, '5.7.1', 'Not here', 'Elsewhere'), '551-5.7.1 Not here\r\n551 5.7.1 Elsewhere\r\n'],
    [reply(550, '5.1.1', 'No\r\n250 smuggled \u00e4\0'), '550 5.1.1 No??250 smuggled ??\r\n'],
  ])('%j', (value, text) => {
    expect(renderReply(value)).toBe(text);
  });

  test('no line is longer than RFC 5321 §4.5.3.1.5 allows, and nothing is lost', () => {
    const text = 'x'.repeat(2000);
    const lines = renderReply(reply(550, '5.1.1', text))
      .split('\r\n')
      .slice(0, -1);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line.length + 2).toBeLessThanOrEqual(limits.replyLine);
    expect(lines.map((line) => line.slice('550-5.1.1 '.length)).join('')).toBe(text);
    expect(lines.map((line) => line[3])).toEqual([...lines.slice(1).map(() => '-'), ' ']);
  });
});

test.each([
  [reply(550, '5.1.1', 'No such', 'user'), '550 5.1.1 No such user'],
  [plainReply(250, 'a'), '250 a'],
])('as one line: %j', (value, text) => {
  expect(replyText(value)).toBe(text);
});
