import { ErrorCode, NatsError } from 'nats';
import { expect, test } from 'vitest';
import { notReadyYet } from './not-ready.js';

const refused = (code: number, number: number, description: string): NatsError => {
  const error = new NatsError(description, ErrorCode.ApiError);
  error.api_error = { code, err_code: number, description };
  return error;
};

test.each([
  [refused(400, 10_005, 'no suitable peers for placement'), /no suitable peers for placement/],
  [refused(503, 10_008, 'JetStream system temporarily unavailable'), /temporarily unavailable/],
  [NatsError.errorForCode(ErrorCode.Timeout), /have not found one another/],
  [NatsError.errorForCode(ErrorCode.NoResponders), /have not found one another/],
])('%s passes', (error, text) => {
  expect(notReadyYet(error)).toMatch(text);
});

test.each([
  [refused(500, 10_047, 'insufficient storage resources available')],
  [refused(503, 10_076, 'JetStream not enabled')],
  [refused(500, 10_074, 'replicas > 1 not supported in non-clustered mode')],
  [NatsError.errorForCode(ErrorCode.AuthorizationViolation)],
  [new Error('TIMEOUT')],
])('%s does not', (error) => {
  expect(notReadyYet(error)).toBeUndefined();
});
