import { expect, test } from '@jest/globals';
import { OperatingError } from '#kernel';
import { databaseError, sqlState } from './database-errors.ts';

const failure = (message: string, code?: string) => Object.assign(new Error(message), code === undefined ? {} : { code });

test.each([
  ['the server is not there', failure('connect ECONNREFUSED', 'ECONNREFUSED'), 'DATABASE_UNAVAILABLE', true],
  ['the server shuts down', failure('terminating connection', '57P01'), 'DATABASE_UNAVAILABLE', true],
  ['the server starts', failure('the database system is starting up', '57P03'), 'DATABASE_UNAVAILABLE', true],
  ['too many clients', failure('sorry, too many clients already', '53300'), 'DATABASE_UNAVAILABLE', true],
  ['the connection broke', failure('Connection terminated unexpectedly'), 'DATABASE_UNAVAILABLE', true],
  ['no answer', failure('Query read timeout'), 'DATABASE_UNAVAILABLE', true],
  ['no connection in time', failure('timeout exceeded when trying to connect'), 'DATABASE_UNAVAILABLE', true],
  ['a deadlock', failure('deadlock detected', '40P01'), 'DATABASE_CONTENDED', true],
  ['a lock not got in time', failure('canceling statement due to lock timeout', '55P03'), 'DATABASE_CONTENDED', true],
  ['a statement too slow', failure('canceling statement due to statement timeout', '57014'), 'DATABASE_TIMEOUT', true],
  ['a full disk', failure('could not extend file: No space left on device', '53100'), 'DATABASE_FULL', true],
  ['a wrong password', failure('password authentication failed', '28P01'), 'DATABASE_REFUSED', false],
  ['no such database', failure('database "x" does not exist', '3D000'), 'DATABASE_REFUSED', false],
  ['a value that cannot be held', failure('invalid byte sequence', '22021'), 'DATABASE_VALUE_INVALID', false],
  ['a damaged page', failure('invalid page in block 0', 'XX001'), 'DATABASE_DAMAGED', false],
  ['bad SQL', failure('syntax error', '42601'), 'DATABASE_FAILED', false],
])('%s', (_what, error, code, retryable) => {
  expect(databaseError(error)).toMatchObject({ name: 'OperatingError', code, retryable, cause: error });
  expect(sqlState(databaseError(error))).toBe((error as { code?: string }).code ?? '');
});

test('an error of ours passes as it is', () => {
  const error = new OperatingError('x', { code: 'VERSION_CONFLICT', retryable: true });
  expect(databaseError(error)).toBe(error);
});
