import { describe, expect, test } from '@jest/globals';
import { SilenceWatch, turnsMax } from './silence-watch.ts';

const turns = (watch: SilenceWatch, count: number): readonly boolean[] => Array.from({ length: count }, () => watch.turn());

describe('the watch over silence', () => {
  test('calls a process frozen that was alive and says nothing for all its turns', () => {
    const watch = new SilenceWatch();
    watch.heard(true);
    expect(turns(watch, turnsMax)).not.toContain(true);
    expect(watch.turn()).toBe(true);
  });

  test('begins anew with every word, also one that is no beat', () => {
    const watch = new SilenceWatch();
    watch.heard(true);
    turns(watch, turnsMax);
    watch.heard(false);
    expect(turns(watch, turnsMax)).not.toContain(true);
  });

  test('leaves a process alone that never said that it is alive', () => {
    const watch = new SilenceWatch();
    watch.heard(false);
    expect(turns(watch, 10 * turnsMax)).not.toContain(true);
  });
});
