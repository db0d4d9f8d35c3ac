import { describe, expect, test } from '@jest/globals';
import { LiveTarget } from './hls-settings.ts';

/** As hls.js 1.7 has it: a target that is set forgets the stalls. */
class Player {
  readonly config: { liveSyncDuration?: number } = {};
  stalls = 0;

  get targetLatency(): number {
    return (this.config.liveSyncDuration ?? 3) + this.stalls * 0.5;
  }

  set targetLatency(latency: number) {
    this.config.liveSyncDuration = latency;
    this.stalls = 0;
  }
}

const withParts = { partHoldBack: 1.5, targetduration: 2 };

describe('how far behind a player wants to be', () => {
  test('is what a playlist with parts says, else a segment and a half', () => {
    const player = new Player();
    const target = new LiveTarget(player);
    target.follow(withParts, 0);
    expect(player.targetLatency).toBe(1.5);
    target.follow({ partHoldBack: 0, targetduration: 4 }, 0);
    expect(player.targetLatency).toBe(6);
  });

  test('grows with stalls, and is forgiven after half a minute without one, then after a minute', () => {
    const player = new Player();
    const target = new LiveTarget(player);
    const after = (ms: number): number => {
      target.follow(withParts, ms);
      return player.targetLatency;
    };
    const stall = (ms: number): void => {
      player.stalls += 1;
      target.stalled(ms);
    };
    after(0);
    stall(1000);
    stall(5000);
    expect([after(6000), after(34_999), after(35_000)]).toEqual([2.5, 2.5, 1.5]);
    stall(40_000);
    expect([after(99_999), after(100_000)]).toEqual([2, 1.5]);
    // Once it has held for as long as that, it begins anew.
    stall(200_000);
    expect([after(229_999), after(230_000)]).toEqual([2, 1.5]);
  });
});
