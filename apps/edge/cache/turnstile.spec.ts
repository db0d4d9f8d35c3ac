import { describe, expect, test } from '@jest/globals';
import { Turnstile } from './turnstile.ts';

/** A turnstile whose turns come when the test says so, and who has gone through it. */
function held(waiting: number) {
  const turns: (() => void)[] = [];
  const turnstile = new Turnstile<string>((turn) => void turns.push(turn));
  const passed: number[] = [];
  let count = 0;
  const join = (): void => {
    const at = count++;
    void turnstile.pass().then(() => passed.push(at));
  };
  for (let at = 0; at < waiting; at++) join();
  const settle = async (): Promise<readonly number[]> => {
    await new Promise(setImmediate);
    return passed;
  };
  return { turnstile, turns, join, settle };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

describe('a turnstile', () => {
  test('holds all until it opens, then lets them through a few at a time, in their order', async () => {
    const { settle, turns, turnstile } = held(70);
    expect(await settle()).toEqual([]);
    turnstile.open('here', true);
    expect(await settle()).toEqual(upTo(32));
    turns.shift()?.();
    expect(await settle()).toEqual(upTo(64));
    turns.shift()?.();
    expect(await settle()).toEqual(upTo(70));
    expect(turns).toEqual([]);
  });

  test('lets who comes while others still wait through behind them, and who comes later at once', async () => {
    const { join, settle, turns, turnstile } = held(33);
    turnstile.open('here', true);
    join();
    expect(await settle()).toEqual(upTo(32));
    turns.shift()?.();
    expect(await settle()).toEqual(upTo(34));
    join();
    expect(await settle()).toEqual(upTo(35));
    expect(await turnstile.pass()).toBe('here');
  });

  test('lets all through at once where they would miss something, and the first who comes where nobody waited', async () => {
    const all = held(1000);
    all.turnstile.open('here', false);
    expect((await all.settle()).length).toBe(1000);
    const none = held(0);
    none.turnstile.open('here', true);
    none.join();
    expect(await none.settle()).toEqual([0]);
  });
});
