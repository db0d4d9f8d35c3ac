import { describe, expect, test } from '@jest/globals';
import { lineOf, roundUp, shortNumber, stepsOf, type Traffic, type TrafficFigures } from './traffic.ts';

const figures = (requests: number): TrafficFigures => ({ requests, bytes: 0, hitRatio: 1, byteHitRatio: 1, statuses: {}, latencyMs: null });
const traffic: Traffic = {
  ...{ from: '2026-11-27T08:00:30Z', until: '2026-11-27T08:02:30Z', stepSeconds: 60, totals: figures(0), groups: [], isPartial: false },
  points: [
    { at: '2026-11-27T08:00:00.000Z', group: 'a', figures: figures(120) },
    { at: '2026-11-27T08:02:00.000Z', group: 'a', figures: figures(90) },
    { at: '2026-11-27T08:02:00.000Z', group: 'b', figures: figures(6) },
  ],
};

describe('lines of a chart', () => {
  test('have a value for each step, also for those without requests, and rates of the time that has passed', () => {
    expect(stepsOf(traffic)).toEqual(['08:00', '08:01', '08:02'].map((time) => Date.parse(`2026-11-27T${time}:00Z`)));
    const rate = ({ requests }: TrafficFigures, seconds: number): number => requests / seconds;
    expect(lineOf(traffic, 'A', rate, { group: 'a' })).toEqual({ name: 'A', values: [2, 0, 3] });
    expect(lineOf(traffic, 'B', rate, { group: 'b', none: null }).values).toEqual([null, null, 0.2]);
  });

  test.each([[0, 1], [1, 1], [1.1, 2], [23, 25], [26, 50], [99, 100], [0.03, 0.05]])('%d fits below %d', (value, end) => expect(roundUp(value)).toBeCloseTo(end)); // prettier-ignore

  test.each([[0, '0'], [7, '7'], [0.25, '0.25'], [2.5, '2.5'], [999, '999'], [1500, '1.5 k'], [12_000, '12 k'], [3.2e6, '3.2 M']])('%d reads %s', (value, text) => expect(shortNumber(value)).toBe(text)); // prettier-ignore
});
