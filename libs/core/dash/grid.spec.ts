import { describe, expect, test } from '@jest/globals';
import { renderMpd, countedNumber, staysCounted, type Beginning, type DashRendition, type DashSegment } from './index.ts';

const clockMs = 1_790_000_000_000;
const timescale = 90_000;

/** Segments that follow each other, from where each begins, seconds, to where the last one ends. */
function segments(initCid: string, first: number, placesSec: readonly number[]): DashSegment[] {
  const ticks = placesSec.map((sec) => Math.round(sec * timescale));
  const track = { timescale, codecs: 'avc1.64001f', width: 1280, height: 720, sampleRate: undefined, channels: undefined };
  return ticks.slice(0, -1).map((startTicks, at): DashSegment => {
    const durationTicks = (ticks[at + 1] as number) - startTicks;
    const place = { startUs: Math.round((startTicks * 1e6) / timescale), durationUs: Math.round((durationTicks * 1e6) / timescale) };
    return { mediaSequence: first + at, initCid, ...place, startTicks, durationTicks, track };
  });
}

interface Shown {
  readonly ended?: boolean;
  readonly beginnings?: readonly Beginning[];
}

/** Each period with how its pictures are found. */
function periods(pictures: readonly DashSegment[], { ended = false, beginnings = [beginning(pictures, 0)] }: Shown = {}): string[] {
  const about = { kind: 'video' as const, bandwidth: 1, frameRate: 30, codecs: 'avc1.64001f', width: 1280, height: 720, channels: undefined, isMade: true };
  const rendition: DashRendition = { name: '720p', segments: pictures, ...about };
  const edgeUs = (pictures.at(-1)?.startUs ?? 0) + (pictures.at(-1)?.durationUs ?? 0);
  const lowLatency = { chunkUs: 500_000, edgeUs, nowMs: clockMs + edgeUs / 1000 };
  const text = renderMpd({ renditions: [rendition], beginnings, segmentDurationMs: 2000, dvrWindowMs: 60_000, ended, timeUrl: '../time', lowLatency });
  return [...text.matchAll(/<Period id="(\w+)" start="([\w.]+)">.*?<SegmentTemplate ([^>]*)>/gs)].map(([, id, start, template = '']) => {
    const told = (name: string): string => new RegExp(` ${name}="([\\d.]+)"`).exec(template)?.[1] ?? '';
    const how = told('duration') === '' ? 'listed' : `counted from ${told('startNumber')} to ${told('endNumber')}`;
    return `${id} at ${start} ${how}${template.includes('availabilityTimeComplete') ? ', early' : ''}`;
  });
}

function beginning(all: readonly DashSegment[], mediaSequence: number): Beginning {
  const { startUs, initCid } = all.find((one) => one.mediaSequence === mediaSequence) as DashSegment;
  return { mediaSequence, startUs, programDateTimeMs: clockMs + Math.floor(startUs / 1000), inits: { '720p': initCid } };
}

describe('segments in which one encoder goes on with the time of another', () => {
  const met = segments('i', 0, [0, 2, 4, 6, 8, 10, 12, 12.3, 14, 16, 18]);

  test('have one number for both, so that what is behind them is counted on in the same period', () => {
    for (let count = 7; count <= met.length; count++) expect(periods(met.slice(0, count))).toEqual(['p0 at PT0S counted from 0 to , early']);
    expect(periods(met, { ended: true })).toEqual(['p0 at PT0S counted from 0 to 8']);
  });

  test('may be the first that a window shows the rest of', () => {
    const beginnings = [beginning(met, 0)];
    for (let from = 1; from < met.length; from++) expect(periods(met.slice(from), { beginnings })).toEqual(['p0 at PT0S counted from 0 to , early']);
  });

  test.each([
    ['three encoders in one segment', [0, 2, 4, 4.5, 5, 6, 8]],
    ['one that begins so shortly before the next that it makes nothing of the rest', [0, 2, 3.85, 6, 8]],
    ['one that ends just behind a segment', [0, 2, 4.05, 6, 8]],
  ])('%s', (_name, placesSec) => expect(periods(segments('i', 0, placesSec))).toEqual(['p0 at PT0S counted from 0 to , early']));

  test.each([
    ['segments as a publisher cuts them', [0, 1.5, 3, 4.5, 6]],
    ['one that is too long', [0, 2, 4, 8, 10]],
    ['those further behind than half a segment', [0, 2, 4, 5.3, 5.6, 7.6, 9.6]],
    ['those that are ever further apart', [0, 2.2, 4.4, 6.6, 8.8, 11, 13.2, 15.4]],
  ])('%s are listed', (_name, placesSec) => expect(periods(segments('i', 0, placesSec))).toEqual(['p0 at PT0S listed']));

  test.each([0.12, 0.199, 0.4, 0.7, 1])('may go on %s s behind where they are counted to, as those of another publisher of the same coding do', (phase) => {
    const moved = segments('i', 0, [0, 2, 4, 6, ...[0, 2, 4, 6, 8].map((sec) => 6 + phase + sec)]);
    const span = { first: 0, mediaStartUs: 0 };
    expect(moved.map(({ startUs }) => countedNumber(startUs, span, 2_000_000))).toEqual([0, 1, 2, 3, 3, 4, 5, 6]);
    for (let count = 1; count <= moved.length; count++) expect(periods(moved.slice(0, count))).toEqual(['p0 at PT0S counted from 0 to , early']);
    // However far the window has moved on.
    const beginnings = [beginning(moved, 0)];
    for (let from = 1; from < moved.length; from++) expect(periods(moved.slice(from), { beginnings })).toEqual(['p0 at PT0S counted from 0 to , early']);
  });

  test('that are not next to each other are listed', () => {
    const apart = met.map((one) => (one.mediaSequence === 7 ? { ...one, startUs: one.startUs + 400_000, durationUs: one.durationUs - 400_000 } : one));
    expect(periods(apart)).toEqual(['p0 at PT0S listed']);
  });
});

describe('a period that begins in the middle of a segment, as one does that is coded in another way', () => {
  test.each([12.1, 12.3, 12.9, 13.1, 13.7, 13.85])('at %s s is counted from its beginning', (at) => {
    const next = at > 13.8 ? [at, 16, 18, 20] : [at, 14, 16, 18];
    const before = segments('i', 0, [0, 2, 4, 6, 8, 10, 12, at]);
    const after = segments('j', 7, next);
    const beginnings = [beginning(before, 0), beginning(after, 7)];
    for (let count = 1; count <= after.length; count++)
      expect(periods([...before, ...after.slice(0, count)], { beginnings })).toEqual([
        'p0 at PT0S counted from 0 to 6, early',
        `p7 at PT${at}S counted from 7 to , early`,
      ]);
    // No number is further from where it is counted to than ISO/IEC 23009-1 section 5.3.9.5.3 allows, and none is left out.
    const span = { first: 7, mediaStartUs: at * 1e6 };
    const numbers = after.map(({ startUs }) => countedNumber(startUs, span, 2_000_000));
    expect(numbers.every((number, n) => number - (numbers[n - 1] ?? 7) <= 1)).toBe(true);
    for (const { startUs } of after.filter((_, n) => numbers[n] !== numbers[n - 1]))
      expect(Math.abs(startUs - span.mediaStartUs - (countedNumber(startUs, span, 2_000_000) - 7) * 2_000_000)).toBeLessThanOrEqual(1_000_000);
  });

  test('is gone on in by what comes back later with the same, on the grid', () => {
    const before = segments('i', 0, [0, 2, 2.7]);
    const after = [...segments('j', 2, [2.7, 4, 4.4]), ...segments('j', 4, [6, 8, 10])];
    const beginnings = [beginning(before, 0), beginning(after, 2), beginning(after, 4)];
    expect(periods([...before, ...after], { beginnings })).toEqual(['p0 at PT0S counted from 0 to 1, early', 'p2 at PT2.7S counted from 2 to , early']);
  });
});

describe('segments of one duration from a place on', () => {
  /** Those of another phase, behind what was cut short, in the period there was. */
  const movedBy = (phase: number, mediaStart: number): DashSegment[] => {
    const before = segments(
      'i',
      0,
      [0, 2, 4, 6, 6 + phase].map((sec) => mediaStart + sec),
    );
    return [
      ...before,
      ...segments(
        'i',
        4,
        [0, 2, 4, 6, 8].map((sec) => mediaStart + 6 + phase + sec),
      ),
    ];
  };

  test.each([0, 0.4, 1.3, 1.9])('that are said to stay counted in a period that begins %s s behind the grid do, however they are rounded', (mediaStart) => {
    const told = new Set<boolean>();
    for (let phaseMs = 0; phaseMs < 2000; phaseMs += 7) {
      const isSaid = staysCounted((mediaStart + 6) * 1e6 + phaseMs * 1000, { mediaStartUs: mediaStart * 1e6 }, 2_000_000);
      told.add(isSaid);
      if (!isSaid) continue;
      for (const roundedMs of [-33, 0, 33]) {
        const moved = movedBy((phaseMs + roundedMs) / 1000, mediaStart).filter(({ durationUs }) => durationUs > 0);
        expect([phaseMs, ...periods(moved)]).toEqual([phaseMs, `p0 at PT0S counted from 0 to , early`]);
      }
    }
    expect(told).toEqual(new Set([true, false]));
  });

  test.each([0, 0.4, 0.95, 1.05, 1.4, 1.7])('may drift by most of half a segment in a period that begins %s s behind the grid', (mediaStart) => {
    const driftMax = mediaStart < 1 ? Math.min(0.95, 1.75 - mediaStart) : 0.95;
    for (const each of [0.011, 0.034, 0.09]) {
      const places = Array.from({ length: 1 + Math.floor(driftMax / each) }, (_, n) => mediaStart + 20 + n * (2 + each));
      const drifted = segments('i', 10, places);
      expect([each, ...periods(drifted, { beginnings: [beginning(drifted, 10)] })]).toEqual([each, 'p10 at PT0S counted from 10 to , early']);
    }
  });

  test.each([0, 0.4, 0.95, 1.05, 1.4, 1.7, 1.95])('are counted by numbers that grow with the place, %s s behind the grid', (mediaStart) => {
    const numbers = Array.from({ length: 600 }, (_, n) =>
      countedNumber((mediaStart + 20 + n / 100) * 1e6, { first: 0, mediaStartUs: (mediaStart + 20) * 1e6 }, 2_000_000),
    );
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3]));
  });

  test.each([1.05, 1.4, 1.7])('that would not are counted in a period of their own, with the same initialisation, %s s behind the grid', (phase) => {
    const moved = movedBy(phase, 0);
    expect(staysCounted((6 + phase) * 1e6, { mediaStartUs: 0 }, 2_000_000)).toBe(false);
    expect(periods(moved)).toEqual(['p0 at PT0S listed']);
    expect(periods(moved, { beginnings: [beginning(moved, 0), beginning(moved, 4)] })).toEqual([
      'p0 at PT0S counted from 0 to 3, early',
      `p4 at PT${6 + phase}S counted from 4 to , early`,
    ]);
  });
});

test('sound is counted with the picture that it is cut with, a frame or two behind it', () => {
  const span = { first: 5, mediaStartUs: 10_000_000 };
  const numbers = [10.02, 11.98, 12.02, 12.3, 13.7, 13.79, 13.81, 13.96, 14.04, 15.9].map((sec) => countedNumber(sec * 1e6, span, 2_000_000));
  expect(numbers).toEqual([5, 6, 6, 6, 6, 6, 7, 7, 7, 8]);
});
