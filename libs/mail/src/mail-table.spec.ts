import fc from 'fast-check';
import { expect, test } from 'vitest';
import { alphabet, mailIdSource, type MailId } from './mail-id.js';
import { NumberColumn } from './columns.js';
import { MailIdRows } from './mail-id-rows.js';
import { MailTable } from './mail-table.js';

/** Numbers below a thousand stand in a column, others do not. */
function tableOfNumbers(): MailTable<number> {
  const column = new NumberColumn(Uint16Array);
  return new MailTable<number>({
    fits: (value) => value < 1_000,
    write: (row, value) => column.set(row, value),
    read: (row) => column.get(row),
  });
}

/** Few different ones, so that they meet; some with a suffix, some that are none. */
const ids = fc.oneof(
  fc
    .array(fc.constantFrom('0', 'z'), { minLength: 18, maxLength: 18 })
    .map(
      (symbols) => `${symbols.slice(0, 3).join('')}${symbols[0]?.repeat(12)}${symbols.slice(15).join('')}`,
    ),
  fc.constantFrom('0000000000zzzzzzzz-1', 'no id', '', '0000000000zzzzzzzA'),
);
const acts = fc.array(
  fc.oneof(
    fc.record({ act: fc.constant('set' as const), id: ids, value: fc.nat(2_000) }),
    fc.record({ act: fc.constant('delete' as const), id: ids }),
  ),
  { maxLength: 300 },
);

test('is a map', () => {
  fc.assert(
    fc.property(acts, (all) => {
      const [table, map] = [tableOfNumbers(), new Map<MailId, number>()];
      for (const one of all) {
        if (one.act === 'delete') expect(table.delete(one.id)).toBe(map.delete(one.id));
        else {
          table.set(one.id, one.value);
          map.set(one.id, one.value);
        }
        expect(table.get(one.id)).toBe(map.get(one.id));
        expect(table.has(one.id)).toBe(map.has(one.id));
        expect(table.size).toBe(map.size);
      }
      expect(new Map(table)).toEqual(map);
    }),
  );
});

test('many are found, also when every second one has gone', () => {
  const rows = new MailIdRows();
  const next = mailIdSource(() => 1_795_520_783_679, new Uint8Array(6));
  const known = Array.from({ length: 20_000 }, next);
  const at = known.map((id) => rows.add(id));
  expect(known.map((id) => rows.find(id))).toEqual(at);
  expect(at.map((row) => rows.idAt(row))).toEqual(known);
  for (const [n, row] of at.entries()) if (n % 2 === 0) rows.forget(row);
  expect(known.map((id) => rows.find(id))).toEqual(at.map((row, n) => (n % 2 === 0 ? -1 : row)));
  expect([...rows.rows()]).toEqual(at.filter((_, n) => n % 2 === 1));
});

test('a forgotten row is not given away before it is free', () => {
  const rows = new MailIdRows();
  const [first, second, third] = Array.from({ length: 3 }, mailIdSource(Date.now, new Uint8Array(6)));
  const row = rows.add(first ?? '');
  rows.forget(row);
  expect(rows.add(second ?? '')).not.toBe(row);
  rows.free(row);
  expect(rows.add(third ?? '')).toBe(row);
});

test.each<[string, boolean]>([
  [alphabet.slice(-18), true],
  [`${alphabet.slice(-18)}-1`, false],
  [alphabet.slice(-17), false],
  ['00000000000000000a', false],
  ['00000000000000000é', false],
  ['', false],
])('%j has a place: %s', (id, takes) => {
  expect(MailIdRows.takes(id)).toBe(takes);
  expect(new MailIdRows().find(id)).toBe(-1);
});
