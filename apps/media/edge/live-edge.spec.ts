import { describe, expect, test } from '@jest/globals';
import type { PartialSegment } from '#core/fmp4';
import { EdgeFrameReader, type EdgeMessage } from '#core/live-edge';
import type { EventOf, segmentProduced } from '#events';
import { LiveEdge } from './live-edge.ts';
import type { EdgeReader } from './edge-reader.ts';
import { RunAnnouncer, type RunAnnouncerInit } from './run-announcer.ts';

/** What a gateway reads. */
class Follower {
  readonly #frames = new EdgeFrameReader();
  readonly messages: EdgeMessage[] = [];
  ended = false;

  send(pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) this.messages.push(...this.#frames.push(piece).map(({ message }) => message));
  }

  end(): void {
    this.ended = true;
  }

  static on(edge: LiveEdge): Follower {
    const follower = new Follower();
    edge.join(follower as unknown as EdgeReader);
    return follower;
  }

  /** In short: `run`, `720p 7.0`, `720p 7`. */
  get told(): string[] {
    return this.messages.map((message) => {
      if (message.kind === 'part') return `${message.rendition} ${message.mediaSequence}.${message.index}`;
      return message.kind === 'segment' ? `${message.rendition} ${message.mediaSequence}` : message.kind;
    });
  }
}

const coded = { timescale: 90_000, codecs: 'avc1.64001f' };

function part(rendition: string, mediaSequence: number, index: number): PartialSegment {
  const startUs = mediaSequence * 2_000_000 + index * 500_000;
  return { rendition, mediaSequence, index, last: index === 3, independent: index === 0, startUs, durationUs: 500_000, bytes: Uint8Array.of(index) };
}

function produced(rendition: string, mediaSequence: number): EventOf<typeof segmentProduced>['data'] {
  return {
    ...{ streamId: 'st-test', sessionId: 's1', rendition, epoch: 1, mediaSequence, cid: `b${rendition}`, sizeBytes: 1, initCid: 'binit', initSizeBytes: 1 },
    ...{ durationUs: 2_000_000, startUs: mediaSequence * 2_000_000, programDateTimeMs: 0, discontinuity: false, startTicks: 0, durationTicks: 180_000 },
    track: { timescale: 90_000, codecs: 'avc1.64001f' },
  };
}

const renditions = ['720p', 'audio'];
const init = (change: Partial<RunAnnouncerInit> = {}): RunAnnouncerInit => ({
  ...{ run: 'r1', renditions, mediaSequence: 7, programDateTime: (us) => us / 1000, breaks: (cids) => cids.get('720p') === 'bnew' },
  ...change,
});

describe('the live edge of a stream', () => {
  test('parts are told of when the initialisations are known, and segments when they are stored', () => {
    const edge = new LiveEdge();
    const follower = Follower.on(edge);
    const run = new RunAnnouncer(init(), edge);
    run.begin('720p', 'bnew', coded);
    run.part(part('720p', 7, 0));
    expect(follower.told).toEqual(['beat', 'run']);
    run.begin('audio', 'binit', coded);
    expect(follower.messages.at(-1)).toMatchObject({ kind: 'part', initCid: 'bnew', discontinuity: true, programDateTimeMs: 14_000, track: coded });
    run.part(part('720p', 7, 1));
    expect(follower.messages.at(-1)).toMatchObject({ index: 1, programDateTimeMs: 14_000 });
    run.committed(renditions.map((name) => produced(name, 7)));
    run.part(part('720p', 8, 0));
    expect(follower.messages.at(-1)).toMatchObject({ discontinuity: false });
    expect(follower.told).toEqual(['beat', 'run', '720p 7.0', '720p 7.1', '720p 7', 'audio 7', 'beat', '720p 8.0']);
  });

  test('the last part of a segment is told of with the segment: nobody has all parts of one that may be made anew', () => {
    const edge = new LiveEdge();
    const follower = Follower.on(edge);
    const run = new RunAnnouncer(init(), edge);
    for (const name of renditions) run.begin(name, 'binit', coded);
    for (const index of [0, 1, 2, 3]) run.part(part('720p', 7, index));
    run.part(part('720p', 8, 0));
    expect(follower.told.slice(2)).toEqual(['720p 7.0', '720p 7.1', '720p 7.2']);
    run.committed(renditions.map((name) => produced(name, 7)));
    expect(follower.told.slice(5)).toEqual(['720p 7.3', '720p 7', 'audio 7', 'beat', '720p 8.0']);
  });

  test('no part is told of before the segment that precedes its own', () => {
    const edge = new LiveEdge();
    const follower = Follower.on(edge);
    const run = new RunAnnouncer(init(), edge);
    for (const name of renditions) run.begin(name, 'binit', coded);
    run.part(part('audio', 8, 0));
    run.part(part('audio', 9, 0));
    expect(follower.told).toEqual(['beat', 'run']);
    expect(edge.announced('').sequence).toBe(-1);
    run.committed([produced('audio', 7)]);
    expect(follower.told.slice(2)).toEqual(['audio 7', 'beat', 'audio 8.0']);
    edge.configure('veryfast', 8);
    expect(edge.announced('')).toEqual({ sequence: 8, passed: 7, likewise: true, known: true });
    run.part(part('audio', 8, 1));
    expect(edge.announced('veryfast')).toEqual({ sequence: 8, passed: 7, likewise: true, known: true });
    expect(edge.announced('superfast').likewise).toBe(false);
  });

  test('a run that is over tells nothing more', () => {
    const edge = new LiveEdge();
    const follower = Follower.on(edge);
    const run = new RunAnnouncer(init(), edge);
    run.end();
    for (const name of renditions) run.begin(name, 'binit', coded);
    run.part(part('720p', 7, 0));
    run.committed([produced('720p', 7)]);
    expect(follower.told).toEqual(['beat', 'run']);
  });

  test('whoever joins is told of the last segments and their parts, and nothing older', () => {
    const edge = new LiveEdge();
    edge.open('s1');
    const run = new RunAnnouncer(init(), edge);
    for (const name of renditions) run.begin(name, 'binit', coded);
    for (let mediaSequence = 7; mediaSequence < 20; mediaSequence++) {
      run.part(part('720p', mediaSequence, 0));
      run.committed([produced('720p', mediaSequence)]);
    }
    const late = Follower.on(edge);
    // What they are of is told first, and a beat says that this is all.
    expect(late.told.slice(0, 4)).toEqual(['run', '720p 11.0', '720p 11', '720p 12.0']);
    expect(late.told.slice(-2)).toEqual(['720p 19', 'beat']);
    run.part(part('720p', 20, 0));
    expect(late.told.at(-1)).toBe('720p 20.0');
    expect([edge.encodes('s1'), edge.encodes('s0')]).toEqual([true, false]);
    edge.close();
    expect([late.ended, edge.readers, edge.encodes('s1')]).toEqual([true, 0, false]);
  });
});
