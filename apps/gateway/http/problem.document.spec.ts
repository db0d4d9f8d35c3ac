import { describe, expect, test } from '@jest/globals';
import { OperatingError } from '#kernel';
import { cloudEventTypes } from '../publish/cloud-event-body.codec.ts';
import { documentOf, problemOf } from './problem.document.ts';
import { badRequest, ProblemError } from './problem.errors.ts';

const failed = (message: string, fields: object = {}): Error => Object.assign(new Error(message), fields);

describe('a failure as a problem', () => {
  test.each<[string, unknown, number, string]>([
    ['ours', badRequest('x', 'y'), 400, 'x'],
    ['a retryable engine', new OperatingError('away', { code: 'DATABASE_UNAVAILABLE', retryable: true }), 503, 'unavailable'],
    [
      'an engine behind another error',
      new OperatingError('x', { code: 'X', retryable: false, cause: failed('x', { code: 'ECONNREFUSED' }) }),
      503,
      'unavailable',
    ],
    ['a socket', failed('connect ECONNREFUSED', { code: 'ECONNREFUSED' }), 503, 'unavailable'],
    ['PostgreSQL shutting down', failed('terminating connection', { code: '57P01' }), 503, 'unavailable'],
    ['a read model that nobody has made yet', new OperatingError('x', { code: 'TABLE_UNKNOWN', retryable: false }), 503, 'unavailable'],
    ['a hole in the log', new OperatingError('x', { code: 'LOG_HOLE', retryable: false }), 503, 'log-hole'],
    ['an engine that will not work later either', new OperatingError('x', { code: 'LOG_CORRUPT', retryable: false }), 500, 'internal'],
    ['a client error of the framework', failed('no', { statusCode: 418 }), 418, 'request-refused'],
    ['a body that is too large', failed('x', { code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }), 413, 'body-too-large'],
    ['our own mistake', new TypeError('x is not a function'), 500, 'internal'],
    ['something thrown that is no error', 'oops', 500, 'internal'],
    ['nothing', undefined, 500, 'internal'],
  ])('%s', (_what, error, status, code) => {
    const problem = problemOf(error);
    expect([problem.init.status, problem.init.code]).toEqual([status, code]);
  });

  test('of a body names what would be taken', () => {
    const detail = (code: string): string => problemOf(failed('x', { code })).init.detail;
    expect(detail('FST_ERR_CTP_BODY_TOO_LARGE')).toBe('The request body is too large: 4 MiB of events is the most, of anything else 1 MiB.');
    for (const type of ['application/json', ...cloudEventTypes]) expect(detail('FST_ERR_CTP_INVALID_MEDIA_TYPE')).toContain(type);
  });

  test('nothing of our insides is told', () => {
    const { init } = problemOf(new Error('password=hunter2 in /srv/x.ts'));
    expect(JSON.stringify(documentOf(init, '/a'))).not.toMatch(/hunter2|srv/);
  });

  test('unavailable says when to come back', () => {
    expect(problemOf(failed('x', { code: 'ECONNRESET' })).init.headers).toEqual({ 'retry-after': '2' });
  });

  test('the document has the members of RFC 9457', () => {
    const problem = new ProblemError({ status: 404, code: 'unknown-stream', detail: 'There is no stream x.', errors: [{ field: 'id', message: 'unknown' }] });
    expect(documentOf(problem.init, '/api/v1/streams/x')).toEqual({
      type: 'urn:streams:problem:unknown-stream',
      title: 'Not Found',
      status: 404,
      detail: 'There is no stream x.',
      instance: '/api/v1/streams/x',
      errors: [{ field: 'id', message: 'unknown' }],
    });
  });
});
