import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataScanner } from './data-scanner.js';
import { DotStuffer, stuffed } from './dot-stuffing.js';

test.each([
  ['', ''],
  ['no dot\r\n', 'no dot\r\n'],
  ['.first\r\n', '..first\r\n'],
  ['a\r\n.b\r\n..c\r\n', 'a\r\n..b\r\n...c\r\n'],
  ['a.b\r\n', 'a.b\r\n'],
])('%j goes out as %j', (content, wire) => {
  expect(Buffer.concat(stuffed(Buffer.from(content))).toString()).toBe(wire);
});

test('content without a dot to double is not copied', () => {
  const content = Buffer.from('plain\r\n');
  expect(stuffed(content)[0]).toBe(content);
});

const lines = fc.array(fc.constantFrom('', '.', '..', 'a', '.b', 'a.b', '\t.'), { maxLength: 20 });

test('the server reads what was sent, however it is cut into pieces', () => {
  fc.assert(
    fc.property(lines, fc.array(fc.nat({ max: 9 }), { maxLength: 30 }), (text, cuts) => {
      const content = Buffer.from(text.map((line) => `${line}\r\n`).join(''));
      const stuffer = new DotStuffer();
      const wire: Buffer[] = [];
      let at = 0;
      for (const cut of [...cuts, content.length]) {
        wire.push(...stuffer.push(content.subarray(at, at + cut)));
        at += cut;
      }
      const read: Buffer[] = [];
      const scanner = new DataScanner((piece) => read.push(piece));
      const sent = Buffer.concat([...wire, Buffer.from('.\r\nNEXT')]);
      const used = scanner.scan(sent);
      expect(Buffer.concat(read).equals(content)).toBe(true);
      expect(sent.subarray(used).toString()).toBe('NEXT');
    }),
  );
});
