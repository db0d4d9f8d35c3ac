import { SoundFiller, type SilentFrame } from './sound-filler.core.ts';

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
  /** Of a sound: makes silence of its pauses. */
  readonly filler: SoundFiller | undefined;
}

/** Silence of a track, in its order. */
export interface TrackSilence {
  readonly track: SourceTrack;
  readonly frames: readonly SilentFrame[];
}

/** A track of which nothing came for so long has stopped, ms of media. */
const stoppedAfterMs = 1000;

/** Nobody waits for a further track as long as for the first: silence is there before it counts as one that stopped. */
const lagMsMax = 2000;

/**
 * The tracks beside the first of each kind: which there are, and which of them come. A sound that pauses is silence meanwhile, as far
 * as silence can be made of its codec, and has not stopped. Pure.
 */
export class TrackBook {
  readonly #known = new Map<string, Known>();

  /** Encoders repeat their headers: only a real change counts. */
  configure(kind: SourceTrack['kind'], track: number, config: Uint8Array): void {
    const known = this.#known.get(`${kind}:${track}`);
    if (known !== undefined && equal(known.source.config, config)) return;
    // Kept for as long as the session: not with all that came beside it.
    const source = { kind, track, config: config.slice() };
    const filler = known?.filler ?? (kind === 'audio' ? new SoundFiller(lagMsMax) : undefined);
    filler?.configure(source.config);
    if (known === undefined) this.#known.set(`${kind}:${track}`, { source, latestMs: undefined, isBroken: false, filler });
    else known.source = source;
  }

  /** Whose frame it is, and the silence that belongs before it; undefined for a track that was not configured, and where silence has its place. */
  hear(kind: SourceTrack['kind'], track: number, timestampMs: number): TrackSilence | undefined {
    const known = this.#known.get(`${kind}:${track}`);
    const frames = known?.filler === undefined ? [] : known.filler.soundAt(timestampMs);
    if (known === undefined || frames === undefined) return undefined;
    for (const frame of frames) come(known, frame.timestampMs);
    come(known, timestampMs);
    return { track: known.source, frames };
  }

  /** Silence that is due when the first of a kind has come to `atMs`. */
  silenceAt(atMs: number): readonly TrackSilence[] {
    const made: TrackSilence[] = [];
    for (const known of this.#known.values()) {
      const frames = known.filler?.pictureAt(atMs) ?? [];
      for (const { timestampMs } of frames) come(known, timestampMs);
      if (frames.length > 0) made.push({ track: known.source, frames });
    }
    return made;
  }

  /** The tracks that come now, and whether one of them was away since this was asked last. */
  settle(atMs: number): { readonly tracks: readonly SourceTrack[]; readonly isBroken: boolean } {
    // What was announced has until the next key frame to come.
    const here = [...this.#known.values()].filter((one) => isFilled(one) || atMs - (one.latestMs ??= atMs) <= stoppedAfterMs);
    const isBroken = here.some((one) => one.isBroken);
    for (const one of this.#known.values()) one.isBroken = false;
    return { tracks: here.map(({ source }) => source), isBroken };
  }

  /** Sounds that the publisher has, whether they come now or not. */
  get sounds(): readonly SourceTrack[] {
    return [...this.#known.values()].flatMap(({ source }) => (source.kind === 'audio' ? [source] : []));
  }

  /** Something of it comes for certain, and be it silence. */
  isSure(track: SourceTrack): boolean {
    const known = this.#known.get(`${track.kind}:${track.track}`);
    return known?.source === track && isFilled(known);
  }
}

function isFilled({ filler }: Known): boolean {
  return filler?.canFill === true;
}

function come(known: Known, timestampMs: number): void {
  const latestMs = known.latestMs ?? timestampMs;
  known.isBroken ||= timestampMs - latestMs > stoppedAfterMs;
  known.latestMs = Math.max(latestMs, timestampMs);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
