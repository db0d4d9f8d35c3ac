import type { TrackInit } from '#core/fmp4';

/** A track as it is announced, with what only a writer needs. */
export interface CmafTrack extends TrackInit {
  /** Its sample entry: a whole box, the decoder's configuration in it. */
  readonly entry: Uint8Array;
  /** Audio: how many samples a frame is long. Undefined for video, whose frames last until the next. */
  readonly samplesOf?: (frame: Uint8Array) => number;
}

/** Every file has one track. */
export const trackId = 1;
/** Ticks per second of video: whole numbers for milliseconds, and for the usual frame rates. */
export const videoTimescale = 90_000;
