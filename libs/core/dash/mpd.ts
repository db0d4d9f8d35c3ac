/** A segment as a manifest describes it; the fields are those of `segment.produced`. */
export interface DashSegment {
  /** `$Number$`: the same for the same time in every rendition. */
  readonly mediaSequence: number;
  readonly initCid: string;
  /** On the stream's timeline, microseconds. */
  readonly startUs: number;
  readonly durationUs: number;
  /** The same in ticks of the track; undefined for what older packagers announced. */
  readonly startTicks: number | undefined;
  readonly durationTicks: number | undefined;
  readonly track: DashTrack | undefined;
}

/** How media is coded. */
export interface DashTrack {
  readonly timescale: number;
  /** RFC 6381. */
  readonly codecs: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly sampleRate: number | undefined;
  readonly channels: number | undefined;
}

export interface DashRendition {
  /** Representation@id, and the folder of its segments. */
  readonly name: string;
  readonly kind: 'video' | 'audio';
  /** Peak bits per second. */
  readonly bandwidth: number;
  readonly frameRate: number | undefined;
  /** What the newest encoder says of it, where the segments do not tell. */
  readonly codecs: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly channels: number | undefined;
  /** Of a sound: BCP 47, and what listeners choose it by. */
  readonly language?: string | undefined;
  readonly label?: string | undefined;
  /** The newest encoder makes it: more follows while the stream is live. */
  readonly isMade: boolean;
  /** Within the window, in order of media sequence, each at most once. */
  readonly segments: readonly DashSegment[];
}

/** Where time or parameters begin anew: the first segment of the stream, and each behind a discontinuity. */
export interface Beginning {
  readonly mediaSequence: number;
  /** On the stream's timeline, microseconds. */
  readonly startUs: number;
  /** Wall clock, ms since the Unix epoch. */
  readonly programDateTimeMs: number;
  /** Initialisations of the renditions that begin there, by name. */
  readonly inits: Readonly<Record<string, string>>;
}

/** A stretch of wall clock with a meaning; the fields are those of `stream.marked`. */
export interface DashMarker {
  readonly id: string;
  readonly class: string | undefined;
  readonly startMs: number;
  readonly durationMs: number | undefined;
  readonly plannedDurationMs: number | undefined;
  readonly endsOnNext: boolean;
  /** SCTE 35 sections, hexadecimal with `0x`. */
  readonly scte35Cmd: string | undefined;
  readonly scte35Out: string | undefined;
  readonly scte35In: string | undefined;
  readonly attributes: ReadonlyArray<{ readonly name: string; readonly value: string; readonly isNumber: boolean }>;
}

/** Small pictures of a stretch of a stream, side by side in one JPEG; the fields are those of `thumbnails.produced`. */
export interface DashImage {
  readonly sizeBytes: number;
  /** On the stream's timeline, microseconds. */
  readonly startUs: number;
  readonly durationUs: number;
  readonly columns: number;
  readonly rows: number;
  /** Of one picture, pixels. */
  readonly width: number;
  readonly height: number;
}

/** Captions of one channel: a segment of WebVTT beside each segment of a picture. */
export interface DashCaptions {
  /** Representation@id, and the folder of its segments. */
  readonly name: string;
  readonly label: string;
  /** Whose segments they go with. */
  readonly rendition: string;
  /** Media sequences of the segments that have any, in order: from the first word of a publisher's session on. */
  readonly spoken: readonly number[];
}

/** What a manifest is made of. */
export interface Manifest {
  readonly renditions: readonly DashRendition[];
  /** All there were since the stream began, in order, also those before the window. */
  readonly beginnings: readonly Beginning[];
  readonly segmentDurationMs: number;
  /** How far viewers can go back while it is live. */
  readonly dvrWindowMs: number;
  /** Nothing follows any more: a recording. */
  readonly ended: boolean;
  /** Where players learn what time it is here, relative to the manifest. */
  readonly timeUrl: string;
  /** What stretches of the wall clock mean, in any order. */
  readonly dateRanges?: readonly DashMarker[];
  /** Small pictures to scrub by, in order. */
  readonly images?: readonly DashImage[];
  readonly captions?: readonly DashCaptions[];
  /** Undefined for a stream whose segments can be had when they are whole, and not before. */
  readonly lowLatency?: DashLowLatency | undefined;
}

/** Segments can be had while they are made, chunk by chunk. */
export interface DashLowLatency {
  /** No chunk is longer, microseconds. */
  readonly chunkUs: number;
  /** End of the newest chunk on the stream's timeline, microseconds. */
  readonly edgeUs: number;
  /** Wall clock when that was so, ms since the Unix epoch. */
  readonly nowMs: number;
}
