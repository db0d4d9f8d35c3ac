import { expect, test } from '@jest/globals';
import { ApiError, isAway, NoAnswer } from './api.ts';

test.each([
  ['nothing came', new NoAnswer(), true],
  ['the edge has no gateway', new ApiError({ title: 'Bad Gateway', status: 502 }), true],
  ['the gateway stops', new ApiError({ title: 'Service Unavailable', status: 503 }), true],
  ['the gateway refuses', new ApiError({ title: 'Forbidden', status: 403 }), false],
  ['the gateway fails', new ApiError({ title: 'Internal Server Error', status: 500 }), false],
  ['all went well', undefined, false],
])('when %s, the platform is away: %#', (_what, failure, away) => {
  expect(isAway(failure)).toBe(away);
});
