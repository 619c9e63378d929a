import { expect, test } from 'vitest';
import { readableLine } from './logger.js';

const at = '2026-11-24T09:30:12.345Z';

test.each([
  [
    { level: 'info', time: at, service: 'queue-manager', shard: '0', epoch: 12, msg: 'shard taken' },
    '09:30:12.345 queue-manager: shard taken (shard 0, epoch 12)',
  ],
  [{ level: 'warn', time: at, msg: 'waiting for NATS' }, '09:30:12.345 postrider: warn: waiting for NATS'],
  [
    { level: 'error', time: at, service: 'admin', keys: ['a'], msg: 'no' },
    '09:30:12.345 admin: error: no (keys ["a"])',
  ],
])('%j', (record, expected) => {
  expect(readableLine(JSON.stringify(record))).toBe(expected);
});
