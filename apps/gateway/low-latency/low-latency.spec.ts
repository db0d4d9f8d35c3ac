import { describe, expect, test } from '@jest/globals';
import type { EdgeMessage, EdgePart, EdgeSegment } from '#core/live-edge';
import { LiveParts } from './live-parts.core.ts';
import { WaitingRoom } from './waiting-room.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const place = (mediaSequence: number, run: string) => ({
  ...{ run, rendition: '720p', mediaSequence, initCid: 'binit', discontinuity: false, programDateTimeMs: 1_790_000_000_000 + mediaSequence * 2000 },
});

function part(mediaSequence: number, index: number, run = 'r1', change: Partial<EdgePart> = {}): EdgePart {
  const startUs = mediaSequence * 2_000_000 + index * 500_000;
  return { kind: 'part', ...place(mediaSequence, run), index, last: index === 3, independent: index === 0, startUs, durationUs: 500_000, ...change };
}

function segment(mediaSequence: number, run = 'r1'): EdgeSegment {
  return {
    ...{ kind: 'segment', ...place(mediaSequence, run), cid: `bseg${mediaSequence}`, sizeBytes: 9, startUs: mediaSequence * 2_000_000, durationUs: 2_000_000 },
    ...{ startTicks: mediaSequence * 180_000, durationTicks: 180_000, track: { timescale: 90_000, codecs: 'avc1.64001f' }, keyFrames: [] },
  };
}

const run = (name: string, mediaSequence: number): EdgeMessage => ({ kind: 'run', run: name, mediaSequence, renditions: ['720p', 'audio'] });

const beat: EdgeMessage = { kind: 'beat' };

function told(...messages: readonly EdgeMessage[]): LiveParts {
  const parts = new LiveParts(2);
  for (const message of [...messages, beat])
    parts.apply({ message, bytes: message.kind === 'part' ? bytes(`${message.mediaSequence}.${message.index}`) : bytes('') });
  return parts;
}

const uris = (parts: LiveParts, mediaSequence: number): string[] =>
  parts
    .lowLatency('720p', [], -1)
    .partials.get(mediaSequence)
    ?.parts.map(({ uri, gap }) => `${uri.slice('./720p/'.length)}${gap ? ' gap' : ''}`) ?? [];
const hint = (parts: LiveParts): string | undefined => parts.lowLatency('720p', [], -1).hint?.slice('./720p/'.length);
const wholeSegment = (mediaSequence: number, name = 'r1'): EdgeMessage[] => [
  ...[0, 1, 2, 3].map((index) => part(mediaSequence, index, name)),
  segment(mediaSequence, name),
];

describe('live parts', () => {
  test('are named by their numbers and their run; the next one is hinted', () => {
    const parts = told(run('r1', 5), ...wholeSegment(5), part(6, 0));
    expect(uris(parts, 5)).toEqual(['5.0.r1.m4s', '5.1.r1.m4s', '5.2.r1.m4s', '5.3.r1.m4s']);
    expect(hint(parts)).toBe('6.1.r1.m4s');
    expect(new TextDecoder().decode(parts.parts('720p')?.bytes(6, 0, 'r1'))).toBe('6.0');
    expect(parts.of('720p').map(({ cid }) => cid)).toEqual(['bseg5']);
    expect(parts.last).toBe(5);
  });

  test('behind the last part of a segment the first of the next is hinted, before the segment is stored', () => {
    expect(hint(told(run('r1', 5), part(5, 0), part(5, 1), part(5, 2), part(5, 3)))).toBe('6.0.r1.m4s');
  });

  test("told again they change nothing; one that is missing ends the segment's parts", () => {
    const parts = told(run('r1', 5), part(5, 0), part(5, 1), part(5, 0), part(5, 1));
    expect(uris(parts, 5)).toHaveLength(2);
    expect(parts.apply({ message: part(5, 3), bytes: bytes('') })).toBe(false);
  });

  test('of a segment that another run makes again, those that were shown stay, and the rest of it is gaps', () => {
    const before = [run('r1', 5), ...wholeSegment(5), part(6, 0), part(6, 1)];
    const parts = told(...before, run('r2', 6), part(6, 0, 'r2'), part(6, 1, 'r2'));
    expect(uris(parts, 6)).toEqual(['6.0.r1.m4s', '6.1.r1.m4s']);
    expect(hint(parts)).toBe('7.0.r2.m4s');
    parts.apply({ message: part(6, 2, 'r2'), bytes: bytes('') });
    expect(uris(parts, 6)).toEqual(['6.0.r1.m4s', '6.1.r1.m4s', '6.2.gap.m4s gap']);
    expect(parts.parts('720p')?.bytes(6, 2, 'r2')).toBeUndefined();
    for (const message of [part(6, 3, 'r2'), segment(6, 'r2'), part(7, 0, 'r2')]) parts.apply({ message, bytes: bytes('x') });
    expect(uris(parts, 6)).toEqual(['6.0.r1.m4s', '6.1.r1.m4s', '6.2.gap.m4s gap', '6.3.gap.m4s gap']);
    expect(uris(parts, 7)).toEqual(['7.0.r2.m4s']);
    expect(hint(parts)).toBe('7.1.r2.m4s');
  });

  test('gaps are the same at every gateway, whenever it hears how far the other run has come', () => {
    const before = [run('r1', 5), ...wholeSegment(5), part(6, 0)];
    const short = (index: number, last = false): EdgeMessage => part(6, index, 'r2', { startUs: 12_000_000 + index * 480_000, durationUs: 480_000, last });
    const end: EdgeMessage = { ...segment(6, 'r2'), startUs: 12_000_000, durationUs: 1_920_000 } as EdgeMessage;
    const durations = (...messages: EdgeMessage[]): Array<number | undefined> =>
      told(...before, run('r2', 6), ...messages)
        .lowLatency('720p', [], -1)
        .partials.get(6)
        ?.parts.map(({ durationUs }) => durationUs) ?? [];
    const expected = [500_000, 500_000, 500_000, 420_000];
    expect(durations(short(0), short(1), short(2), short(3, true), end)).toEqual(expected);
    expect(durations(short(0), short(1), end)).toEqual(expected);
    expect(durations(end)).toEqual(expected);
  });

  test('of a segment that nobody makes any more the rest is gaps when the next one begins', () => {
    const parts = told(run('r1', 5), ...wholeSegment(5), part(6, 0), run('r2', 7), part(7, 0, 'r2', { discontinuity: true }));
    expect(uris(parts, 6)).toEqual(['6.0.r1.m4s', '6.1.gap.m4s gap', '6.2.gap.m4s gap', '6.3.gap.m4s gap']);
    expect(parts.lastSequence('720p', 5)).toBe(6);
  });

  test('segments of one number are shown together, when all are told of or something else is', () => {
    const parts = told(run('r1', 5));
    const tell = (message: EdgeMessage): boolean => parts.apply({ message, bytes: bytes('') });
    expect([tell(segment(5)), parts.last]).toEqual([false, -1]);
    expect([tell({ ...segment(5), rendition: 'audio' }), parts.last]).toEqual([true, 5]);
    expect([tell(segment(6)), parts.last, tell(beat), parts.last]).toEqual([false, 5, true, 6]);
    expect([tell(segment(7)), tell(part(8, 0)), parts.last]).toEqual([false, true, 7]);
    // The packager broke off between the two: rows will have both.
    tell(segment(8));
    parts.disconnect();
    expect([tell(beat), parts.last]).toEqual([false, 7]);
  });

  test('rows settle what the packager never came to tell', () => {
    const parts = told(run('r1', 5), part(5, 0));
    parts.disconnect();
    expect(hint(parts)).toBeUndefined();
    parts.settle({ renditions: ['720p', '240p'], newest: () => [{ ...segment(5), track: undefined, captions: [] }] });
    expect(uris(parts, 5)).toEqual(['5.0.r1.m4s', '5.1.gap.m4s gap', '5.2.gap.m4s gap', '5.3.gap.m4s gap']);
  });

  test('a hint is kept: the part is expected until its run is over', () => {
    const parts = told(run('r1', 5), part(5, 0));
    expect(parts.expects('720p', 5, 1, 'r1')).toBe(true);
    expect(parts.expects('720p', 6, 0, 'r1')).toBe(true);
    expect(parts.expects('720p', 9, 0, 'r1')).toBe(false);
    parts.apply({ message: run('r2', 5), bytes: bytes('') });
    expect(parts.expects('720p', 5, 1, 'r1')).toBe(false);
  });

  test('a segment grows part by part, is whole when it is stored as it was told, and stands for itself from then on', () => {
    const parts = told(run('r1', 5), part(5, 0), part(5, 1));
    expect(parts.segment('720p', 5)).toEqual({ kind: 'growing', growth: { run: 'r1', discontinuity: false, length: 2, end: 'open' } });
    for (const message of [part(5, 2), part(5, 3)]) parts.apply({ message, bytes: bytes('5.x') });
    expect(parts.growth('720p', 5, 'r1')).toMatchObject({ length: 4, end: 'open' });
    for (const message of [{ ...segment(5), sizeBytes: 12 }, beat]) parts.apply({ message, bytes: bytes('') });
    expect(parts.growth('720p', 5, 'r1')).toMatchObject({ length: 4, end: 'whole' });
    expect(parts.segment('720p', 5)).toEqual({ kind: 'stored', cid: 'bseg5' });
  });

  test('stored otherwise than it was told, or with its run over, it is broken off', () => {
    const other = told(run('r1', 5), ...wholeSegment(5));
    expect(other.growth('720p', 5, 'r1')).toMatchObject({ end: 'broken' });
    const over = told(run('r1', 5), part(5, 0));
    over.apply({ message: run('r2', 5), bytes: bytes('') });
    expect(over.growth('720p', 5, 'r1')).toMatchObject({ length: 1, end: 'broken' });
    expect(over.growth('720p', 5, 'r2')).toBeUndefined();
    const away = told(run('r1', 5), part(5, 0));
    away.disconnect();
    expect(away.growth('720p', 5, 'r1')).toMatchObject({ end: 'broken' });
    // Another run stored it; what was told of it was not that.
    const anew = told(run('r1', 5), part(5, 0), run('r2', 5), segment(5, 'r2'));
    expect(anew.growth('720p', 5, 'r1')).toMatchObject({ end: 'broken' });
  });

  test('a segment that comes next is told from one that never will be', () => {
    const parts = told(run('r1', 5), ...wholeSegment(5), part(6, 0));
    const kind = (mediaSequence: number): string => parts.segment('720p', mediaSequence).kind;
    expect([4, 5, 6, 7, 8, 9, 10].map(kind)).toEqual(['lost', 'stored', 'growing', 'soon', 'soon', 'soon', 'far']);
    expect([7, 8].map((mediaSequence) => parts.segment('720p', mediaSequence))).toEqual([
      { kind: 'soon', isNext: true },
      { kind: 'soon', isNext: false },
    ]);
    expect(parts.segment('240p', 6).kind).toBe('soon');
    parts.disconnect();
    expect([5, 6, 7, 10].map(kind)).toEqual(['stored', 'soon', 'soon', 'far']);
    // The number was left out: its successor begins behind it.
    parts.apply({ message: run('r2', 7), bytes: bytes('') });
    expect([6, 7].map(kind)).toEqual(['lost', 'soon']);
  });

  test('the edge is where the rendition that is furthest behind has come to', () => {
    const parts = told(run('r1', 5), part(5, 0), part(5, 1));
    expect(parts.edgeUs).toBe(11_000_000);
    parts.apply({ message: { ...part(5, 0), rendition: 'audio', durationUs: 480_000 }, bytes: bytes('') });
    expect(parts.edgeUs).toBe(10_480_000);
  });

  test('bytes are held for twice as long as parts are listed, and no longer', () => {
    const parts = told(run('r1', 0), ...Array.from({ length: 16 }, (_, at) => wholeSegment(at)).flat());
    const held = Array.from({ length: 16 }, (_, at) => parts.parts('720p')?.bytes(at, 0, 'r1') !== undefined);
    expect(held.indexOf(true)).toBeGreaterThan(4);
    expect(held.indexOf(true)).toBeLessThanOrEqual(9);
  });

  test('a part that is longer than parts may be is none, nor is what follows it', () => {
    const parts = told(run('r1', 5), part(5, 0, 'r1', { durationUs: 800_000 }), part(5, 1));
    expect(uris(parts, 5)).toEqual([]);
  });

  test('other renditions are reported as far as they are', () => {
    const audio = { ...part(6, 0), rendition: 'audio' };
    expect(told(run('r1', 5), ...wholeSegment(5), audio).lowLatency('720p', ['audio', '240p'], 5).reports).toEqual([
      { name: 'audio', lastSequence: 6, lastPart: 0 },
      { name: '240p', lastSequence: 5, lastPart: undefined },
    ]);
  });
});

describe('waiting room', () => {
  test('wakes all who wait for the same by one look', async () => {
    const room = new WaitingRoom(() => 0);
    let looks = 0;
    let there = false;
    const isReady = (): boolean => (looks++, there);
    const waits = Array.from({ length: 100 }, () => room.wait('7.1', isReady, 1000));
    room.look();
    there = true;
    room.look();
    expect(looks).toBe(2);
    expect(new Set(await Promise.all(waits))).toEqual(new Set(['ready']));
    expect(room.size).toBe(0);
  });

  test('each waits as long as it may, and no longer', async () => {
    let now = 0;
    const room = new WaitingRoom(() => now);
    const early = room.wait('a', () => false, 6000);
    now = 3000;
    const late = room.wait('a', () => false, 6000);
    now = 6000;
    room.expire();
    expect(await early).toBe('late');
    expect(room.size).toBe(1);
    room.close();
    expect(await late).toBe('late');
    expect(room.size).toBe(0);
  });
});
