import { describe, expect, test } from '@jest/globals';
import { isSupervisor, readProcessSettings } from './processes.config.ts';
import { dueForReplacement } from './recycling.policy.ts';

const hour = 3_600_000;
const settings = readProcessSettings({ EDGE_PROCESSES: '2', EDGE_RECYCLE_HOURS: '10', EDGE_RECYCLE_MB: '100' });
const seen = (hours: number, megabytes: number | undefined, serving = true) => ({
  serving,
  ageMs: hours * hour,
  residentBytes: megabytes === undefined ? undefined : megabytes * 1_048_576,
});

describe('replacing processes', () => {
  test.each([
    ['young and small', [seen(1, 50), seen(1, 50)], undefined],
    ['one is large', [seen(1, 50), seen(1, 101)], 1],
    ['both are large: one at a time', [seen(1, 101), seen(1, 101)], 0],
    ['one is old', [seen(10.01, 50), seen(1, 50)], 0],
    ['both are of one age: the second later', [seen(10, 50), seen(10.4, 50)], undefined],
    ['the second is old at last', [seen(0, 50), seen(10.6, 50)], 1],
    ['while another does not serve', [seen(20, 500), seen(0, 50, false)], undefined],
    ['where nobody knows what it takes', [seen(1, undefined), seen(1, undefined)], undefined],
  ])('%s', (_what, processes, at) => {
    expect(dueForReplacement(processes, settings)?.at).toBe(at);
  });

  test('needs a process that starts others, were it for one alone', () => {
    expect(readProcessSettings({})).toEqual({ count: 1, environment: {}, ageMsMax: undefined, residentBytesMax: undefined, leaveMs: 60_000 });
    expect(isSupervisor(readProcessSettings({}))).toBe(false);
    expect(isSupervisor(readProcessSettings({ EDGE_RECYCLE_HOURS: '24' }))).toBe(true);
    expect(isSupervisor(readProcessSettings({ EDGE_RECYCLE_MB: '500' }))).toBe(true);
    expect(isSupervisor(readProcessSettings({ EDGE_PROCESSES: '2' }))).toBe(true);
    expect(() => readProcessSettings({ EDGE_PROCESSES: '0' })).toThrow('EDGE_PROCESSES must be a whole number from 1');
  });
});
