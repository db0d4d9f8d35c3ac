import { expect, test } from '@jest/globals';
import { FramingTrust } from './framing-trust.ts';

const get = { method: 'GET' };

test('a HEAD is asked on a connection of its own, all else on any', () => {
  const trust = new FramingTrust();
  expect([trust.mayKeep('a:443', get), trust.mayKeep('a:443', { method: 'HEAD' })]).toEqual([true, false]);
});

test.each([
  ['204 with a length', 204, [['content-length', '5']]],
  ['304 with chunks', 304, [['transfer-encoding', 'chunked']]],
  ['a length beside chunks', 200, [['content-length', '2'], ['transfer-encoding', 'chunked']]], // prettier-ignore
] as const)('after %s the origin is mistrusted for a while, and no other', (_name, status, fields) => {
  let now = 0;
  const trust = new FramingTrust(() => now);
  trust.saw('a:443', get, status, fields);
  expect([trust.mayKeep('a:443', get), trust.mayKeep('b:443', get)]).toEqual([false, true]);
  now = 600_000;
  expect(trust.mayKeep('a:443', get)).toBe(true);
});

test.each([
  ['204', 204, []],
  ['304 with no length', 304, [['etag', '"a"']]],
  ['204 of no length', 204, [['content-length', '0']]],
  ['a length', 200, [['content-length', '5']]],
  ['chunks', 200, [['transfer-encoding', 'chunked']]],
] as const)('after %s it is trusted', (_name, status, fields) => {
  const trust = new FramingTrust();
  trust.saw('a:443', get, status, fields);
  expect(trust.mayKeep('a:443', get)).toBe(true);
});
