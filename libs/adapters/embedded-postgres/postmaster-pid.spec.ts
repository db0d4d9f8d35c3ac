import { expect, test } from '@jest/globals';
import { isAlive, parsePostmasterPid } from './postmaster-pid.ts';

const file = (pid: string, status: string) => `${pid}\n/data/postgres\n1795390073\n22021\n\n127.0.0.1\n  1234567   42\n${status}\n`;

test.each([
  ['a server that serves', file('4711', 'ready   '), { pid: 4711, port: 22021, ready: true }],
  ['a server that recovers', file('4711', 'starting'), { pid: 4711, port: 22021, ready: false }],
  ['a stand-alone backend', file('-4711', 'standby '), { pid: 4711, port: 22021, ready: false }],
  ['a file that was cut off', '4711\n/data', { pid: 4711, port: 0, ready: false }],
  ['an empty file', '', undefined],
  ['garbage', '\u0000\u0001x\n', undefined],
  ['a number that is no process of ours', '1\n', undefined],
])('reads %s', (_what, text, expected) => {
  expect(parsePostmasterPid(text)).toEqual(expected);
});

test('knows the living from the dead', () => {
  expect(isAlive(process.pid)).toBe(true);
  expect(isAlive(2 ** 22 + 1)).toBe(false);
});
