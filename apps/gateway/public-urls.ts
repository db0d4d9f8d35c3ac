/** Where publishers send. */
export interface IngestUrls {
  readonly primary: string;
  readonly backup: string;
  /** By RTMPS; null where the ingest has no certificate. */
  readonly securePrimary: string | null;
  readonly secureBackup: string | null;
}

export interface PublicUrlsInit {
  /** Where viewers reach the platform, without a slash at the end: the edge. */
  readonly edgeUrl: string;
  readonly ingest: IngestUrls;
}

/** Where a stream plays. */
export interface Playback {
  readonly hls: string;
  readonly dash: string;
}

/** The URLs that answers name. */
export class PublicUrls {
  readonly ingest: IngestUrls;
  readonly #edgeUrl: string;

  constructor(init: PublicUrlsInit) {
    this.#edgeUrl = init.edgeUrl;
    this.ingest = init.ingest;
  }

  /** A file of a recording; the same for ever, for it is named by its content. */
  readonly media = (file: string): string => `${this.#edgeUrl}/media/${file}`;

  /** Some segments of a stream as a playlist of their own. */
  readonly segments = (streamId: string, first: number, last: number): string => this.#playback(streamId, `?segments=${first}-${last}`).hls;

  readonly playback = (streamId: string): Playback => this.#playback(streamId, '');

  /** Plays what there was at a moment; `asOf` is a time or a token. */
  readonly playbackAsOf =
    (asOf: string) =>
    (streamId: string): Playback =>
      this.#playback(streamId, asOfQuery(asOf));

  #playback(streamId: string, query: string): Playback {
    const base = `${this.#edgeUrl}/live/${streamId}`;
    return { hls: `${base}/master.m3u8${query}`, dash: `${base}/manifest.mpd${query}` };
  }
}

/** A time as it is reads better than with its colons escaped, and they need not be (RFC 3986 section 3.4). */
export function asOfQuery(asOf: string): string {
  return `?asOf=${encodeURIComponent(asOf).replaceAll('%3A', ':')}`;
}
