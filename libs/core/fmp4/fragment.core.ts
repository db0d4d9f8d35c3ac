import { childBoxes, FieldReader, requireBox } from './box.core.ts';
import { Fmp4Error } from './errors.ts';
import type { SampleDefaults, TrackInit } from './init.core.ts';

/** One coded frame (video) or access unit (audio). */
export interface Sample {
  /** Ticks of the track's time scale. */
  readonly duration: number;
  /** ISO/IEC 14496-12 section 8.8.3.1. */
  readonly flags: number;
  /** Presentation minus decode time, ticks. */
  readonly compositionOffset: number;
  readonly data: Uint8Array;
}

/** A movie fragment: samples that follow each other without a gap. */
export interface Fragment {
  /** Decode time of the first sample, ticks. */
  readonly baseDecodeTime: number;
  readonly samples: readonly Sample[];
  /** What follows is known to begin with a key frame. */
  readonly endsAtKeyFrame?: boolean;
}

/** Samples that one fragment may hold; 10 s of 120 frames a second is an eighth of it. */
export const fragmentSamplesMax = 10_000;

/** True when decoding can start at the sample: `sample_is_non_sync_sample` is not set. */
export function isSync({ flags }: Pick<Sample, 'flags'>): boolean {
  return (flags & 0x0001_0000) === 0;
}

/**
 * Parses a moof box with its mdat. Data offsets must point into that mdat, as CMAF wants (`default-base-is-moof`).
 * @param moof whole box, header included: data offsets count from its first byte
 * @param mdatHeaderBytes size of the header of the mdat box that follows the moof
 * @throws Fmp4Error
 */
export function parseFragment(track: TrackInit, moof: Uint8Array, mdat: Uint8Array, mdatHeaderBytes: number): Fragment {
  const trafs = childBoxes(moof.subarray(8)).filter(({ type }) => type === 'traf');
  const traf = trafs[0];
  if (traf === undefined || trafs.length > 1) throw new Fmp4Error('FMP4_UNSUPPORTED', `A fragment has one track, not ${trafs.length}.`);
  const header = readTrackHeader(track, requireBox(traf.body, 'tfhd'));
  const baseDecodeTime = readDecodeTime(requireBox(traf.body, 'tfdt'));
  const samples: Sample[] = [];
  let at = 0;
  for (const { type, body } of childBoxes(traf.body)) {
    if (type === 'trun') at = readRun({ body, defaults: header, mdat, dataStart: moof.length + mdatHeaderBytes, at, samples });
  }
  return { baseDecodeTime, samples };
}

/** Track fragment header, ISO/IEC 14496-12 section 8.8.7: the track's defaults as this fragment overrides them. */
function readTrackHeader(track: TrackInit, tfhd: Uint8Array): SampleDefaults {
  const reader = new FieldReader('tfhd', tfhd);
  const { flags } = reader.fullBox();
  const trackId = reader.uint32();
  if (trackId !== track.trackId) throw new Fmp4Error('FMP4_INVALID', `A fragment belongs to track ${trackId}, not ${track.trackId}.`);
  if ((flags & 0x01) !== 0) throw new Fmp4Error('FMP4_UNSUPPORTED', 'A fragment addresses its data from the start of the file.');
  if ((flags & 0x02) !== 0) reader.skip(4);
  const duration = (flags & 0x08) === 0 ? track.defaults.duration : reader.uint32();
  const size = (flags & 0x10) === 0 ? track.defaults.size : reader.uint32();
  return { duration, size, flags: (flags & 0x20) === 0 ? track.defaults.flags : reader.uint32() };
}

/** ISO/IEC 14496-12 section 8.8.12. */
function readDecodeTime(tfdt: Uint8Array): number {
  const reader = new FieldReader('tfdt', tfdt);
  return reader.fullBox().version === 1 ? reader.uint64() : reader.uint32();
}

interface RunInput {
  readonly body: Uint8Array;
  readonly defaults: SampleDefaults;
  readonly mdat: Uint8Array;
  /** Where the mdat's body starts, counted from the first byte of the moof. */
  readonly dataStart: number;
  /** Where the run before ended in the mdat. */
  readonly at: number;
  readonly samples: Sample[];
}

/** Track fragment run, ISO/IEC 14496-12 section 8.8.8. Appends its samples; answers where its data ends in the mdat. */
function readRun({ body, defaults, mdat, dataStart, at, samples }: RunInput): number {
  const reader = new FieldReader('trun', body);
  const { version, flags } = reader.fullBox();
  const count = reader.uint32();
  if (samples.length + count > fragmentSamplesMax) throw new Fmp4Error('FMP4_TOO_LARGE', `A fragment of more than ${fragmentSamplesMax} samples.`);
  let start = (flags & 0x01) === 0 ? at : reader.int32() - dataStart;
  const firstFlags = (flags & 0x04) === 0 ? undefined : reader.uint32();
  for (let index = 0; index < count; index++) {
    const duration = (flags & 0x100) === 0 ? defaults.duration : reader.uint32();
    const size = (flags & 0x200) === 0 ? defaults.size : reader.uint32();
    const ownFlags = (flags & 0x400) === 0 ? defaults.flags : reader.uint32();
    const compositionOffset = (flags & 0x800) === 0 ? 0 : version === 0 ? reader.uint32() : reader.int32();
    if (start < 0 || start + size > mdat.length) throw new Fmp4Error('FMP4_INVALID', 'A sample lies outside of its mdat.');
    const sampleFlags = index === 0 && firstFlags !== undefined ? firstFlags : ownFlags;
    samples.push({ duration, flags: sampleFlags, compositionOffset, data: mdat.subarray(start, start + size) });
    start += size;
  }
  return start;
}
