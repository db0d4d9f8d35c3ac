import { expect, test } from '@jest/globals';
import { Timers } from '#ports';
import { RightOfWay } from './right-of-way.ts';

/** Notes how long everybody wants to rest, and lets them. */
class NotedTimers extends Timers {
  readonly rests: number[] = [];

  override after(ms: number, wake: () => void): () => void {
    this.rests.push(ms);
    queueMicrotask(wake);
    return () => undefined;
  }

  override chance(): number {
    return 0;
  }
}

test('whoever can wait rests while somebody has the right of way, four times as long as a step took, two seconds at most', async () => {
  const timers = new NotedTimers();
  const rightOfWay = new RightOfWay(timers);
  await rightOfWay.give(100);
  expect(timers.rests).toEqual([]);
  await rightOfWay.hold(async () => {
    await rightOfWay.give(100);
    await rightOfWay.give(5000);
  });
  expect(timers.rests).toEqual([400, 2000]);
  await rightOfWay.give(100);
  expect(timers.rests).toHaveLength(2);
});

test('it is given back by work that fails, and had until the last of several has ended', async () => {
  const timers = new NotedTimers();
  const rightOfWay = new RightOfWay(timers);
  await expect(rightOfWay.hold(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await rightOfWay.give(100);
  expect(timers.rests).toEqual([]);
  await rightOfWay.hold(async () => {
    await rightOfWay.hold(() => Promise.resolve());
    await rightOfWay.give(100);
  });
  expect(timers.rests).toEqual([400]);
});

test('nobody rests who is told to stop', async () => {
  const timers = new NotedTimers();
  const rightOfWay = new RightOfWay(timers);
  await rightOfWay.hold(() => rightOfWay.give(100, AbortSignal.abort()));
  expect(timers.rests).toEqual([]);
});
