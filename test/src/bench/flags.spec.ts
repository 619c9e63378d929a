import { expect, test } from 'vitest';
import { WrongWords } from '../words.js';
import { parseFlags } from './flags.js';

const nothing = {
  help: false,
  quick: false,
  rounds: 3,
  only: undefined,
  deferred: undefined,
  intoSpool: false,
  scale: false,
  byProcess: false,
};

test.each<[string, object]>([
  ['', nothing],
  ['-h', { ...nothing, help: true }],
  ['--quick', { ...nothing, quick: true, rounds: 1 }],
  ['--quick --rounds 2', { ...nothing, quick: true, rounds: 2 }],
  ['--only protocol', { ...nothing, only: 'protocol' }],
  ['--deferred 1000 --into-spool', { ...nothing, deferred: 1000, intoSpool: true }],
  ['--scale', { ...nothing, scale: true }],
  ['--by-process --quick', { ...nothing, byProcess: true, quick: true, rounds: 1 }],
])('%s', (words, asked) => {
  expect(parseFlags(words.split(' ').filter(Boolean))).toEqual(asked);
});

test.each([
  ['--fast', "Unknown option '--fast'"],
  ['open', "Unexpected argument 'open'"],
  ['--rounds', "Option '--rounds <value>' argument missing"],
  ['--rounds many', "--rounds takes a whole number, not 'many'"],
  ['--rounds 0', '--rounds takes 1 at least'],
  ['--deferred 1e6', "--deferred takes a whole number, not '1e6'"],
  ['--only memory', "--only takes protocol or systems, not 'memory'"],
  ['--into-spool', '--into-spool needs --deferred'],
  ['--scale --rounds 2', '--rounds is for'],
  ['--deferred 9 --quick', 'without --quick'],
  ['--scale --only systems', 'exclude one another'],
])('%s is refused', (words, text) => {
  expect(() => parseFlags(words.split(' '))).toThrow(WrongWords);
  expect(() => parseFlags(words.split(' '))).toThrow(text);
});
