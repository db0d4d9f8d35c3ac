/** A track beside the first of its kind, under one configuration. The same object for all that comes of it. */
export interface SourceTrack {
  readonly kind: 'video' | 'audio';
  /** Its number among the publisher's tracks of that kind, above 0. */
  readonly track: number;
  /** Its sequence header, as if it were the first track's. */
  readonly config: Uint8Array;
}

interface Known {
  source: SourceTrack;
  /** Of its newest frame; undefined while there is none, and nobody has asked. */
  latestMs: number | undefined;
  /** Some of it is missing since it was looked at last. */
  isBroken: boolean;
}

/** A track of which nothing came for so long has stopped, ms of media. */
const stoppedAfterMs = 1000;

/** The tracks beside the first of each kind: which there are, and which of them come. Pure. */
export class TrackBook {
  readonly #known = new Map<string, Known>();

  /** Encoders repeat their headers: only a real change counts. */
  configure(kind: SourceTrack['kind'], track: number, config: Uint8Array): void {
    const known = this.#known.get(`${kind}:${track}`);
    const source = { kind, track, config };
    if (known === undefined) this.#known.set(`${kind}:${track}`, { source, latestMs: undefined, isBroken: false });
    else if (!equal(known.source.config, config)) known.source = source;
  }

  /** Whose frame it is; undefined for a track that was not configured. */
  hear(kind: SourceTrack['kind'], track: number, timestampMs: number): SourceTrack | undefined {
    const known = this.#known.get(`${kind}:${track}`);
    if (known === undefined) return undefined;
    const latestMs = known.latestMs ?? timestampMs;
    known.isBroken ||= timestampMs - latestMs > stoppedAfterMs;
    known.latestMs = Math.max(latestMs, timestampMs);
    return known.source;
  }

  /** The tracks that come now, and whether one of them was away since this was asked last. */
  settle(atMs: number): { readonly tracks: readonly SourceTrack[]; readonly isBroken: boolean } {
    // What was announced has until the next key frame to come.
    const here = [...this.#known.values()].filter((one) => atMs - (one.latestMs ??= atMs) <= stoppedAfterMs);
    const isBroken = here.some((one) => one.isBroken);
    for (const one of this.#known.values()) one.isBroken = false;
    return { tracks: here.map(({ source }) => source), isBroken };
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
