import type { EdgePart, EdgeSegment } from '#core/live-edge';

const programDateTimeMs = 1_790_000_000_000;

/** Where it lies on the stream's timeline, microseconds: otherwise than in segments of 2 s and parts of 0.5 s. */
interface ToldPlace {
  readonly startUs?: number;
  readonly durationUs?: number;
}

/** A part as a packager tells of it, and its bytes. */
export function toldPart(
  mediaSequence: number,
  index: number,
  run = 'r1',
  rendition = '720p',
  discontinuity = false,
  initCid = 'binit',
  { startUs = mediaSequence * 2_000_000 + index * 500_000, durationUs = 500_000 }: ToldPlace = {},
): readonly [EdgePart, Uint8Array] {
  const place = { run, rendition, mediaSequence, initCid, discontinuity, programDateTimeMs: programDateTimeMs + mediaSequence * 2000 };
  const track = index === 0 ? { timescale: 90_000, codecs: 'avc1.64001f' } : undefined;
  const part: EdgePart = { kind: 'part', ...place, index, last: index === 3, independent: index === 0, startUs, durationUs, track };
  return [part, Buffer.from(`${rendition} ${mediaSequence}.${index}.${run}`)];
}

export interface ToldSegment extends ToldPlace {
  readonly sizeBytes?: number;
  readonly cid?: string;
  readonly captions?: EdgeSegment['captions'];
}

/** A segment that its packager has stored. */
export function toldSegment(
  rendition: string,
  mediaSequence: number,
  run: string,
  { sizeBytes = 9, cid, captions = [], startUs = mediaSequence * 2_000_000, durationUs = 2_000_000 }: ToldSegment = {},
): EdgeSegment {
  return {
    ...{ kind: 'segment', run, rendition, mediaSequence, cid: cid ?? `b${rendition}${mediaSequence}`, sizeBytes, initCid: 'binit' },
    ...{ startUs, durationUs, programDateTimeMs: programDateTimeMs + startUs / 1000, discontinuity: false },
    ...{ startTicks: 0, durationTicks: 180_000, track: { timescale: 90_000, codecs: 'avc1.64001f' }, keyFrames: [], captions },
  };
}
