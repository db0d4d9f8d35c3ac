import { expect, test } from '@jest/globals';
import { explainFailure } from './server-failure.ts';

/** What PostgreSQL 18 and its initdb really say. */
const sayings: ReadonlyArray<readonly [string, string, boolean]> = [
  ['initdb: error: could not write to file "/d/pg_wal/xlogtemp.1": No space left on device', 'POSTGRES_DISK_FULL', true],
  ['FATAL:  could not write lock file "postmaster.pid": No space left on device', 'POSTGRES_DISK_FULL', true],
  ['FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use\nHINT:  Terminate any old server processes', 'POSTGRES_STILL_RUNNING', true],
  ['FATAL:  lock file "postmaster.pid" already exists\nHINT:  Is another postmaster (PID 7) running in data directory "/d"?', 'POSTGRES_STILL_RUNNING', true],
  ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\nFATAL:  could not create any TCP/IP sockets', 'POSTGRES_PORT_TAKEN', true],
  [
    'FATAL:  database files are incompatible with server\nDETAIL:  The data directory was initialized by PostgreSQL version 17, which is not compatible',
    'POSTGRES_VERSION_MISMATCH',
    false,
  ],
  [
    'FATAL:  database files are incompatible with server\nDETAIL:  The database cluster was initialized with PG_CONTROL_VERSION 2021161080',
    'POSTGRES_DATA_CORRUPT',
    false,
  ],
  ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', 'POSTGRES_NO_MEMORY', true],
  ['PANIC:  could not locate a valid checkpoint record at 0/1B81648', 'POSTGRES_DATA_CORRUPT', false],
  [
    'postgres: could not find the database system\nExpected to find it in the directory "/d",\nbut could not open file "/d/global/pg_control": No such file or directory',
    'POSTGRES_DATA_CORRUPT',
    false,
  ],
  ['FATAL:  "/d" is not a valid data directory\nDETAIL:  File "/d/PG_VERSION" does not contain valid data.', 'POSTGRES_DATA_CORRUPT', false],
  ['FATAL:  data directory "/d" has invalid permissions\nDETAIL:  Permissions should be u=rwx (0700)', 'POSTGRES_DATA_UNREACHABLE', false],
  ['FATAL:  data directory "/d" has wrong ownership', 'POSTGRES_DATA_UNREACHABLE', false],
  ['2026-11-22 UTC [1] FATAL:  configuration file "/d/postgresql.conf" contains errors', 'POSTGRES_START_FAILED', false],
  ['', 'POSTGRES_START_FAILED', false],
];

test.each(sayings)('%s', (said, code, retryable) => {
  const error = explainFailure(said, '/d');
  expect(error).toMatchObject({ code, retryable });
  expect(error.message).toMatch(/^[A-Z][^\n]+\.$/);
});

test('a reason that nobody foresaw is told in the words of the server', () => {
  expect(explainFailure('LOG:  starting\n2026-11-22 UTC [1] FATAL:  configuration file "x" contains errors\n', '/d').message).toBe(
    'The embedded PostgreSQL in /d did not start: FATAL:  configuration file "x" contains errors.',
  );
});
