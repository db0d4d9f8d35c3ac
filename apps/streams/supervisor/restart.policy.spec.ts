import { describe, expect, test } from '@jest/globals';
import { afterExit, calm, restartSettings } from './restart.policy.ts';

describe('the restart policy', () => {
  test('restarts a healthy process at once', () => {
    expect(afterExit(calm, 60_000)).toEqual({ state: { failures: 1 }, delayMs: 50 });
    expect(restartSettings.firstDelayMs).toBeLessThanOrEqual(200);
  });

  test('slows down while a process keeps failing, up to a bound', () => {
    const delays: number[] = [];
    let state = calm;
    for (let run = 0; run < 8; run++) {
      const decision = afterExit(state, 10);
      delays.push(decision.delayMs);
      state = decision.state;
    }
    expect(delays).toEqual([50, 200, 800, 3200, 10_000, 10_000, 10_000, 10_000]);
  });

  test('forgets failures once a process ran long enough', () => {
    expect(afterExit({ failures: 9 }, restartSettings.stableAfterMs)).toEqual({ state: { failures: 1 }, delayMs: 50 });
    expect(afterExit({ failures: 9 }, restartSettings.stableAfterMs - 1).delayMs).toBe(10_000);
  });

  test('stays finite after any number of failures', () => {
    expect(afterExit({ failures: 1e9 }, 0).delayMs).toBe(10_000);
  });
});
