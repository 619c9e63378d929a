import { expect, test } from 'vitest';
import { WrongWords } from '../words.js';
import { parseFlags } from './flags.js';

const nothing = { help: false, minutes: undefined, seed: undefined, only: undefined };

test.each<[string, object]>([
  ['', nothing],
  ['--help', { ...nothing, help: true }],
  ['-h', { ...nothing, help: true }],
  ['--only ^kill', { ...nothing, only: /^kill/ }],
  ['--minutes 0.5', { ...nothing, minutes: 0.5 }],
  ['--minutes 30 --seed 7', { ...nothing, minutes: 30, seed: 7 }],
])('%s', (words, asked) => {
  expect(parseFlags(words.split(' ').filter(Boolean))).toEqual(asked);
});

test.each([
  ['--frobnicate', "Unknown option '--frobnicate'"],
  ['kill', "Unexpected argument 'kill'"],
  ['--only', "Option '--only <value>' argument missing"],
  ['--only (', "--only takes a regular expression, not '('"],
  ['--minutes soon', "--minutes takes a number above 0, not 'soon'"],
  ['--minutes 0', "--minutes takes a number above 0, not '0'"],
  ['--minutes 1 --seed x', "--seed takes a whole number, not 'x'"],
  ['--seed 7', '--seed needs --minutes'],
])('%s is refused', (words, text) => {
  expect(() => parseFlags(words.split(' '))).toThrow(WrongWords);
  expect(() => parseFlags(words.split(' '))).toThrow(text);
});
