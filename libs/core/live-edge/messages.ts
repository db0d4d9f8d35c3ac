/** A part as its packager announces it; its bytes follow. The newest of its rendition in order of media sequence and index. */
export interface EdgePart {
  readonly kind: 'part';
  /** Which run of the encoder made it: parts of another run with the same number are other bytes. */
  readonly run: string;
  readonly rendition: string;
  readonly mediaSequence: number;
  readonly index: number;
  /** It is known that nothing of the segment follows. */
  readonly last: boolean;
  readonly independent: boolean;
  readonly startUs: number;
  readonly durationUs: number;
  /** Of the segment that it belongs to. */
  readonly initCid: string;
  readonly discontinuity: boolean;
  readonly programDateTimeMs: number;
  /** How the segment is coded; with its first part. */
  readonly track?: EdgeTrack | undefined;
}

/** A segment that is stored and on the log; the fields are those of `segment.produced`. */
export interface EdgeSegment {
  readonly kind: 'segment';
  readonly run: string;
  readonly rendition: string;
  readonly mediaSequence: number;
  readonly cid: string;
  readonly sizeBytes: number;
  readonly initCid: string;
  readonly durationUs: number;
  readonly startUs: number;
  readonly programDateTimeMs: number;
  readonly discontinuity: boolean;
  readonly startTicks: number;
  readonly durationTicks: number;
  readonly track: EdgeTrack;
  readonly keyFrames: ReadonlyArray<{ readonly offset: number; readonly sizeBytes: number; readonly startTicks: number }>;
  /** Left out by packagers of before. */
  readonly captions?: ReadonlyArray<{ readonly channel: string; readonly cid: string; readonly sizeBytes: number }> | undefined;
}

export interface EdgeTrack {
  readonly timescale: number;
  readonly codecs: string;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly sampleRate?: number | undefined;
  readonly channels?: number | undefined;
}

/** An encoder begins: its renditions, and the number that its first segment will have. What is open of another run stays open for ever. */
export interface EdgeRun {
  readonly kind: 'run';
  readonly run: string;
  readonly mediaSequence: number;
  readonly renditions: readonly string[];
}

/** Nothing new, but the packager is there. */
export interface EdgeBeat {
  readonly kind: 'beat';
}

/** What a packager tells of a stream that it encodes, in this order: a run, then per segment its parts, then the segments. */
export type EdgeMessage = EdgeRun | EdgePart | EdgeSegment | EdgeBeat;

/** A message with the bytes of its part; none for the others. */
export interface EdgeFrame {
  readonly message: EdgeMessage;
  readonly bytes: Uint8Array;
}
