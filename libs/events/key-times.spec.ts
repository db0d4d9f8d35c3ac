import { describe, expect, test } from '@jest/globals';
import { KeyTimes } from './key-times.ts';

describe('times for events that name none', () => {
  test('are the clock’s, and of one key each later than the one before', () => {
    const times = new KeyTimes();
    expect(['a', 'a', 'b', 'a'].map((key) => times.next(key, 1000))).toEqual([1000, 1001, 1000, 1002]);
    expect(['a', 'b'].map((key) => times.next(key, 1001))).toEqual([1003, 1001]);
    expect(times.next('a', 2000)).toBe(2000);
  });

  test('hold while the clock goes back', () => {
    const times = new KeyTimes();
    expect([times.next('a', 1000), times.next('a', 900)]).toEqual([1000, 1001]);
  });

  test('of many keys are forgotten only where the clock has passed them', () => {
    const times = new KeyTimes();
    for (let at = 0; at < 10_000; at++) times.next(`old-${at}`, 1000);
    for (let at = 0; at < 5; at++) times.next('ahead', 1000);
    expect([times.next('new', 1002), times.next('ahead', 1002), times.next('old-7', 1002)]).toEqual([1002, 1005, 1002]);
  });
});
