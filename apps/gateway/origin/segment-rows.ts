import type { PlaylistSegment } from '#core/hls';
import type { ReadRow } from '#ports';

/** How a segment's media is coded, as its packager announced it. */
export interface SegmentTrack {
  readonly timescale: number;
  readonly codecs: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly sampleRate: number | undefined;
  readonly channels: number | undefined;
}

/** A key frame in a segment's bytes. */
export interface KeyFrame {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly startTicks: number;
}

/** Captions of one channel beside a segment: a segment of WebVTT. */
export interface SegmentCaptions {
  /** Such as `cc1`. */
  readonly channel: string;
  readonly cid: string;
}

/** A segment as every manifest needs it. */
export interface Segment extends PlaylistSegment {
  readonly sizeBytes: number;
  /** Undefined for segments of packagers that did not tell; then there are no ticks either. */
  readonly track: SegmentTrack | undefined;
  readonly startTicks: number | undefined;
  readonly durationTicks: number | undefined;
  readonly keyFrames: readonly KeyFrame[];
  /** Of video, from the first caption of a publisher's session on. */
  readonly captions: readonly SegmentCaptions[];
}

/** Segments share what they have in common: a list of four hours holds thousands of them. */
export class SegmentRows {
  readonly #texts = new Map<string, string>();
  readonly #tracks = new Map<string, SegmentTrack>();

  segment(row: ReadRow): Segment {
    const initCid = this.#shared(String(row['init_cid']));
    const ticks = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
    return {
      mediaSequence: Number(row['media_sequence']),
      cid: String(row['cid']),
      initCid,
      durationUs: Number(row['duration_us']),
      startUs: Number(row['start_us']),
      programDateTimeMs: Number(row['program_date_time_ms']),
      discontinuity: row['discontinuity'] === true,
      sizeBytes: Number(row['size_bytes']),
      track: this.#track(initCid, row),
      startTicks: ticks('start_ticks'),
      durationTicks: ticks('duration_ticks'),
      keyFrames: (row['key_frames'] ?? []) as unknown as readonly KeyFrame[],
      captions: (row['captions'] ?? []) as unknown as readonly SegmentCaptions[],
    };
  }

  /** An initialisation says one thing, whichever segment names it. */
  #track(initCid: string, row: ReadRow): SegmentTrack | undefined {
    if (row['timescale'] === null || row['codecs'] === null) return undefined;
    const known = this.#tracks.get(initCid);
    if (known !== undefined) return known;
    const optional = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
    const track = {
      timescale: Number(row['timescale']),
      codecs: String(row['codecs']),
      ...{ width: optional('width'), height: optional('height'), sampleRate: optional('sample_rate'), channels: optional('channels') },
    };
    this.#tracks.set(initCid, track);
    return track;
  }

  #shared(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }
}
