import { describe, expect, test } from '@jest/globals';
import { quantile } from './measure.ts';
import { Recorder } from './recorder.ts';
import { barLine, table } from './report.ts';

describe('benchmark report', () => {
  test('a bar line says value, goal and peer', () => {
    const recorder = new Recorder(true);
    recorder.bar('log.append.single', 5234.6, '1/s', '>= 4000', true, 5600.2);
    recorder.bar('log.visible.p99', 12.3456, 'ms', '<= 10', false);
    expect(recorder.bars.map(barLine)).toEqual([
      'ok    log.append.single  5,235 1/s  (goal >= 4000, peer 5,600)',
      'MISS  log.visible.p99  12.35 ms  (goal <= 10)',
    ]);
  });

  test('a bar that is no number, or stated twice, is a mistake', () => {
    const recorder = new Recorder(false);
    expect(() => recorder.bar('a', Number.NaN, 'ms', '', true)).toThrow('not a measurement');
    recorder.bar('a', 1, 'ms', 1, true);
    expect(() => recorder.bar('a', 2, 'ms', 1, true)).toThrow('twice');
  });

  test('a table aligns numbers to the right', () => {
    expect(
      table([
        ['what', 'per second'],
        ['append', 1000],
        ['read', 20],
      ]),
    ).toBe(['what    per second', '------  ----------', 'append       1,000', 'read            20'].join('\n'));
  });

  test('quantiles by nearest rank', () => {
    const samples = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect([quantile(samples, 0.5), quantile(samples, 0.99), quantile(samples, 1)]).toEqual([50, 99, 100]);
  });
});
