/** A coded frame as a source gives it. */
export interface SourceFrame {
  /** Decode time, whole ms of the source. */
  readonly timestampMs: number;
  /** Presentation minus decode time, ms. */
  readonly compositionMs: number;
  readonly keyFrame: boolean;
  readonly data: Uint8Array;
}

export interface TrackRemuxerInit {
  /** Added to the source's times: then they are of the stream's timeline, ms. */
  readonly offsetMs: number;
  /** Where on the stream's timeline the track begins, microseconds. */
  readonly startUs: number;
}

/** Fragments never hold more frames, whatever their times say. */
export const fragmentFramesMax = 512;
