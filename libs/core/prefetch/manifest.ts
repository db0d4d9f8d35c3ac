/** One rendition as a manifest lists it: targets, in the order in which they are played. */
export interface ManifestTrack {
  /** Tells it from the others of its manifest. */
  readonly id: string;
  readonly init: string | undefined;
  readonly segments: readonly string[];
  /** Parts of the segment that is not whole yet, and what is announced: for players with low latency alone. */
  readonly parts: readonly string[];
  /** How long a segment lasts, ms; undefined where nobody says. */
  readonly segmentMs?: number | undefined;
  /** For how long the newest has been there when the manifest was read, where that can be told, ms. */
  readonly newestAgeMs?: number | undefined;
}

/** What of a manifest tells what is asked for next. */
export interface Manifest {
  /** More is to come. */
  readonly live: boolean;
  /** Renditions with their segments. */
  readonly tracks: readonly ManifestTrack[];
  /** Of those, the ones that a player begins with unless it knows better. */
  readonly first: readonly string[];
  /** Playlists of renditions that a player begins with; empty where segments are listed. */
  readonly playlists: readonly string[];
}

/** A longer manifest is not read, characters. */
export const manifestLengthMax = 2 * 1024 * 1024;
/** Segments of one rendition that are remembered. */
export const segmentsMax = 5000;
