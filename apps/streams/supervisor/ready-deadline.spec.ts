import { describe, expect, test } from '@jest/globals';
import { ReadyDeadline } from './ready-deadline.ts';

/** A deadline of 50 ms, for a process that stood in line for such shares of its time; resolves when it is late. */
function deadline(shares: readonly number[]): { readonly deadline: ReadyDeadline; readonly late: Promise<string[]> } {
  const [left, told] = [[...shares], [] as string[]];
  const { promise: late, resolve } = Promise.withResolvers<string[]>();
  const init = { ms: 50, waitShare: () => Promise.resolve(left.shift() ?? 0), onStarved: (ms: number) => void told.push(`${Math.round(ms)} ms`) };
  return { deadline: new ReadyDeadline({ ...init, onLate: () => resolve([...told, 'late']) }), late };
}

describe('the time in which an app is to be ready', () => {
  test('is over at once for a process that found its processor', async () => {
    await expect(deadline([]).late).resolves.toEqual(['late']);
  });

  test('is prolonged by what the process stood in line for one, down to what is not worth a look', async () => {
    await expect(deadline([0.5, 0.5, 0.01]).late).resolves.toEqual(['25 ms', '13 ms', 'late']);
  });

  test('ends even for a process that finds none at all', async () => {
    const told = await deadline(Array.from({ length: 1000 }, () => 1)).late;
    expect(told.slice(0, 3)).toEqual(['45 ms', '41 ms', '36 ms']);
    expect(told.at(-1)).toBe('late');
  });

  test('is not over for one that became ready while it was asked how long it stood in line', async () => {
    const events: string[] = [];
    const asked = Promise.withResolvers<number>();
    const late = new ReadyDeadline({ ms: 1, waitShare: () => asked.promise, onStarved: () => events.push('starved'), onLate: () => events.push('late') });
    await new Promise((resolve) => setTimeout(resolve, 20));
    late.met();
    asked.resolve(0);
    await asked.promise;
    await new Promise(setImmediate);
    expect(events).toEqual([]);
  });
});
