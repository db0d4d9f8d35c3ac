import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { StreamAlerts, type AlertChange, type StreamFigures } from './alert.policy.ts';

const fine: StreamFigures = {
  ...{ videoBitrate: 4_000_000, hasPicture: true, keyFrameIntervalMs: 2000, reordersFrames: false, segmentDurationMs: 2000, behindMs: 2000 },
  ...{ blackMs: 0, frozenMs: 0, silentMs: 0 },
};

/** What is told when each set of figures holds for ten seconds. */
function told(...figures: ReadonlyArray<Partial<StreamFigures>>): readonly string[] {
  const alerts = new StreamAlerts();
  return figures.flatMap((change, at) => alerts.look({ ...fine, ...change }, at * 10_000).map(({ kind, alert }) => `${at} ${kind} ${alert}`));
}

const ten = <T>(one: T): T[] => Array.from({ length: 10 }, () => one);

describe('alerts', () => {
  test('nothing is wrong with a stream that is well', () => expect(told(...ten({}))).toEqual([]));

  test.each([
    ['silence', { silentMs: 9000 }],
    ['black', { blackMs: 9000 }],
    ['frozen', { frozenMs: 9000 }],
  ])('%s is a stretch already when it is measured', (alert, wrong) =>
    expect(told({}, wrong, wrong, {}, {})).toEqual([`1 raised ${alert}`, `4 cleared ${alert}`]),
  );

  test.each([
    ['long-gop', { keyFrameIntervalMs: 10_000 }],
    ['reordered-frames', { reordersFrames: true }],
    ['behind', { behindMs: 30_000 }],
  ])('%s is told once it has lasted, and once it is over for good', (alert, wrong) => {
    const changes = told({}, ...ten(wrong), ...ten({}));
    expect(changes.map((line) => line.slice(line.indexOf(' ') + 1))).toEqual([`raised ${alert}`, `cleared ${alert}`]);
    // One bad look alone is none, and one good one ends nothing.
    expect(told({}, wrong, {}, wrong, {}, wrong, {})).toEqual([]);
    expect(told(...ten(wrong), {}, ...ten(wrong)).filter((line) => line.includes('cleared'))).toEqual([]);
  });

  test('a bitrate collapses from what the stream usually has, and is usual itself after a while', () => {
    const low = { videoBitrate: 400_000 };
    const changes = told(...ten({}), ...ten(low), ...ten(low), ...ten(low));
    expect(changes[0]).toMatch(/^1[012] raised bitrate-collapse$/);
    expect(changes[1]).toMatch(/cleared bitrate-collapse$/);
    expect(changes).toHaveLength(2);
    expect(told(...ten(low))).toEqual([]);
    // Without a picture there is none to collapse.
    expect(told(...ten({}), ...ten({ videoBitrate: 0, hasPicture: false }))).toEqual([]);
  });

  test('what a predecessor left open is gone on with, and ends with its whole length', () => {
    const alerts = new StreamAlerts(new Map([['silence', 5000]]));
    expect(alerts.look({ ...fine, silentMs: 20_000 }, 30_000)).toEqual([]);
    expect([...alerts.look(fine, 40_000), ...alerts.look(fine, 50_000)]).toEqual([{ kind: 'cleared', alert: 'silence', lastedMs: 35_000 }]);
  });

  test('a stretch began when it began, and not when somebody saw it', () => {
    const alerts = new StreamAlerts();
    expect(alerts.look({ ...fine, blackMs: 10_000, lookedAtMs: 58_000 }, 60_000)).toMatchObject([{ kind: 'raised', alert: 'black', sinceMs: 48_000 }]);
    expect(alerts.look({ ...fine, blackMs: 20_000, lookedAtMs: 68_000 }, 70_000)).toEqual([]);
    expect(alerts.look(fine, 78_000)).toEqual([]);
    expect(alerts.look(fine, 83_000)).toEqual([{ kind: 'cleared', alert: 'black', lastedMs: 30_000 }]);
  });

  test('the end of a session ends all of them, once', () => {
    const alerts = new StreamAlerts();
    alerts.look({ ...fine, silentMs: 9000, blackMs: 9000 }, 1000);
    expect(alerts.open).toEqual(['silence', 'black']);
    expect(alerts.close(61_000).map(({ alert }) => alert)).toEqual(['silence', 'black']);
    expect(alerts.close(62_000)).toEqual([]);
  });

  test('whatever is measured, each is raised and cleared in turn', () => {
    const look = fc.record({
      videoBitrate: fc.integer({ min: 0, max: 8_000_000 }),
      keyFrameIntervalMs: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
      reordersFrames: fc.boolean(),
      behindMs: fc.integer({ min: 0, max: 40_000 }),
      silentMs: fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
      passedMs: fc.integer({ min: 0, max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(look, { maxLength: 40 }), (looks) => {
        const alerts = new StreamAlerts();
        let nowMs = 0;
        const changes: AlertChange[] = [];
        for (const { passedMs, ...figures } of looks) changes.push(...alerts.look({ ...fine, ...figures }, (nowMs += passedMs)));
        changes.push(...alerts.close(nowMs));
        for (const kind of new Set(changes.map(({ alert }) => alert))) {
          const kinds = changes.filter(({ alert }) => alert === kind).map((change) => change.kind);
          expect(kinds).toEqual(kinds.map((_, at) => (at % 2 === 0 ? 'raised' : 'cleared')));
        }
      }),
    );
  });
});
