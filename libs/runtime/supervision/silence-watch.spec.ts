import { describe, expect, test } from '@jest/globals';
import { SilenceWatch } from './silence-watch.ts';

const turnsMax = 5;
const turns = (watch: SilenceWatch, count: number): readonly boolean[] => Array.from({ length: count }, () => watch.turn(0));

describe('the watch over silence', () => {
  test('calls a process frozen that was alive and says nothing for all its turns', () => {
    const watch = new SilenceWatch(turnsMax);
    watch.heard(true);
    expect(turns(watch, turnsMax)).not.toContain(true);
    expect(watch.turn(0)).toBe(true);
  });

  test('begins anew with every word, also one that is no beat', () => {
    const watch = new SilenceWatch(turnsMax);
    watch.heard(true);
    turns(watch, turnsMax);
    watch.heard(false);
    expect(turns(watch, turnsMax)).not.toContain(true);
  });

  test('leaves a process alone that never said that it is alive', () => {
    const watch = new SilenceWatch(turnsMax);
    watch.heard(false);
    expect(turns(watch, 10 * turnsMax)).not.toContain(true);
  });

  test('counts of a turn only what the process did not stand in line for a processor, but something of each', () => {
    const watch = new SilenceWatch(turnsMax);
    watch.heard(true);
    const starved = (count: number, share: number): readonly boolean[] => Array.from({ length: count }, () => watch.turn(share));
    expect(starved(2 * turnsMax, 0.5)).not.toContain(true);
    expect(watch.turn(0.5)).toBe(true);
    watch.heard(true);
    expect(starved(10 * turnsMax - 1, 1)).not.toContain(true);
    expect(starved(2, 1)).toContain(true);
  });
});
