import { expect, test } from 'vitest';
import { WrongWords } from '../words.js';
import { parseFlags } from './flags.js';

const nothing = {
  help: false,
  minutes: 1,
  seed: undefined,
  from: 0,
  sessions: undefined,
  show: false,
};

test.each<[string, object]>([
  ['', nothing],
  ['--help', { ...nothing, help: true }],
  ['--minutes 0.5 --seed 7', { ...nothing, minutes: 0.5, seed: 7 }],
  ['--seed 7 --sessions 1 --from 30 --show', { ...nothing, seed: 7, sessions: 1, from: 30, show: true }],
])('%s', (words, asked) => {
  expect(parseFlags(words.split(' ').filter(Boolean))).toEqual(asked);
});

test.each([
  ['--frobnicate', "Unknown option '--frobnicate'"],
  ['--minutes soon', "--minutes takes a number above 0, not 'soon'"],
  ['--seed x', "--seed takes a whole number, not 'x'"],
  ['--sessions 1', '--sessions needs --seed'],
  ['--seed 7 --sessions 0', '--sessions takes 1 at least'],
  ['--seed 7 --show', '--from and --show need --sessions'],
  ['--seed 7 --minutes 1 --sessions 1', '--minutes and --sessions exclude one another'],
])('%s is refused', (words, text) => {
  expect(() => parseFlags(words.split(' '))).toThrow(WrongWords);
  expect(() => parseFlags(words.split(' '))).toThrow(text);
});
