import { describe, expect, test } from '@jest/globals';
import { BoundedMemo } from './bounded-memo.ts';

describe('a bounded memo', () => {
  test('forgets the oldest, and never the newest half', () => {
    const memo = new BoundedMemo<number>(10, 1000);
    for (let at = 0; at < 1000; at++) {
      memo.set(`k${at}`, at, 0);
      for (let back = Math.max(0, at - 4); back <= at; back++) expect(memo.get(`k${back}`, 0)).toBe(back);
      if (at >= 10) expect(memo.get(`k${at - 10}`, 0)).toBe(undefined);
    }
  });

  test('remembers for a while, and what was said last', () => {
    const memo = new BoundedMemo<number>(4, 1000);
    memo.set('a', 1, 0);
    expect([memo.get('a', 999), memo.get('a', 1000), memo.get('a', 0)]).toEqual([1, undefined, undefined]);
    memo.set('a', 1, 0);
    for (const name of ['b', 'c']) memo.set(name, 0, 0);
    memo.set('a', 2, 0);
    expect(memo.get('a', 0)).toBe(2);
    memo.delete('a');
    expect(memo.get('a', 0)).toBe(undefined);
  });
});
