import type { Millis } from './machine.ts';

/**
 * True while what was noted at `sinceMs` is younger than `keepMs`. A clock that was set back by hours says nothing about
 * its age: then it is not fresh, rather than for hours.
 */
export function isFresh(sinceMs: Millis, nowMs: Millis, keepMs: number): boolean {
  return nowMs >= sinceMs && nowMs - sinceMs < keepMs;
}
