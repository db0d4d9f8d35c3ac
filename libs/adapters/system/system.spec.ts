import { describe, expect, test } from '@jest/globals';
import { SystemClock } from './system-clock.adapter.ts';
import { UuidV7IdSource } from './uuid-v7-id-source.adapter.ts';

describe('system adapters', () => {
  test('ids are UUIDv7, unique, in order, and carry the time', () => {
    const clock = new SystemClock();
    const ids = new UuidV7IdSource();
    const before = clock.now();
    const made = Array.from({ length: 5000 }, () => ids.next());
    const after = clock.now();
    expect(made.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
    expect(new Set(made).size).toBe(made.length);
    expect([...made].sort()).toEqual(made);
    const time = Number.parseInt((made[0] as string).replaceAll('-', '').slice(0, 12), 16);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(after + 1);
  });

  test('the clock counts whole milliseconds', () => {
    expect(Number.isInteger(new SystemClock().now())).toBe(true);
  });
});
