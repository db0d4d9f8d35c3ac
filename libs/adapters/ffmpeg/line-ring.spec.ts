import { expect, test } from '@jest/globals';
import { LineRing } from './line-ring.ts';

test('lines come together from any chunks; an unfinished one counts', () => {
  const ring = new LineRing();
  for (const text of ['on', 'e\ntw', 'o\r\n\nthree']) ring.push(text);
  expect(ring.lines()).toEqual(['one', 'two', 'three']);
});

test('it holds the last 50 lines of at most 500 characters, whatever is written', () => {
  const ring = new LineRing();
  for (let n = 0; n < 1000; n++) ring.push(`${n} ${'x'.repeat(2000)}\n`);
  ring.push('y'.repeat(100_000));
  expect(ring.lines()).toHaveLength(50);
  expect(Math.max(...ring.lines().map((line) => line.length))).toBe(500);
  expect(ring.lines()[0]).toMatch(/^951 /);
});

test('lines that mean nothing are left out', () => {
  const ring = new LineRing(/boring/);
  ring.push('a\nboring b\nc\n');
  expect(ring.lines()).toEqual(['a', 'c']);
});
