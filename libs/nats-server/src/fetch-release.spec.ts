import { expect, test } from 'vitest';
import { checksumOf } from './fetch-release.js';

const sum = 'a'.repeat(64);

test.each([
  [`${sum}  nats-server.tar.gz\n`, sum],
  [`${sum} *nats-server.tar.gz\r\n`, sum],
  [`${'b'.repeat(64)}  other.tar.gz\n${sum}  nats-server.tar.gz\n`, sum],
  [`${sum}  nats-server.tar.gz.sig\n`, undefined],
  ['a short line\n', undefined],
  ['', undefined],
])('the checksum of a file in %j', (sums, expected) => {
  expect(checksumOf('nats-server.tar.gz', sums)).toBe(expected);
});
