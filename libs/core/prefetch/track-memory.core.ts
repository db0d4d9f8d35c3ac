import type { Millis } from '#kernel';
import type { Manifest } from './manifest.ts';

/** A rendition that somebody watches, by the keys of its segments. */
interface Track {
  segments: readonly string[];
  lastAskedMs: Millis;
}

interface Place {
  readonly track: Track;
  readonly at: number;
}

export interface TrackMemoryInit {
  readonly manifestsMax: number;
  /** Of all manifests together. */
  readonly segmentsMax: number;
  /** Who has not asked for this long has left a rendition, ms. */
  readonly activeMs: Millis;
}

/** Of a live rendition so many of the newest are remembered: who watches asks for those. */
const liveSegments = 10;

/** Remembers which segment follows which, of the manifests that were served last; and which renditions are watched. */
export class TrackMemory {
  readonly #init: TrackMemoryInit;
  readonly #manifests = new Map<string, ReadonlyMap<string, Track>>();
  readonly #places = new Map<string, Place>();

  constructor(init: TrackMemoryInit) {
    this.#init = init;
  }

  get segments(): number {
    return this.#places.size;
  }

  /** @param keyOf the key of a target; undefined for what has none */
  note(manifestKey: string, manifest: Manifest, keyOf: (target: string) => string | undefined): void {
    const before = this.#manifests.get(manifestKey);
    this.#forget(manifestKey);
    const tracks = new Map<string, Track>();
    for (const { id, segments } of manifest.tracks) {
      const kept = manifest.live ? segments.slice(-liveSegments) : segments;
      if (this.#places.size + kept.length > this.#init.segmentsMax) this.#makeRoom(kept.length);
      if (this.#places.size + kept.length > this.#init.segmentsMax) break;
      const track: Track = { segments: kept.flatMap((target) => keyOf(target) ?? []), lastAskedMs: before?.get(id)?.lastAskedMs ?? -Infinity };
      tracks.set(id, track);
      for (const [at, key] of track.segments.entries()) this.#places.set(key, { track, at });
    }
    this.#manifests.set(manifestKey, tracks);
    if (this.#manifests.size > this.#init.manifestsMax) this.#forgetOldest();
  }

  /** Whether somebody asked for a segment of it lately. */
  isWatched(manifestKey: string, trackId: string, nowMs: Millis): boolean {
    const track = this.#manifests.get(manifestKey)?.get(trackId);
    return track !== undefined && nowMs - track.lastAskedMs < this.#init.activeMs;
  }

  /** What follows a segment that was asked for. */
  following(key: string, count: number, nowMs: Millis): readonly string[] {
    const place = this.#places.get(key);
    if (place === undefined) return [];
    place.track.lastAskedMs = nowMs;
    return place.track.segments.slice(place.at + 1, place.at + 1 + count);
  }

  #makeRoom(segments: number): void {
    while (this.#manifests.size > 0 && this.#places.size + segments > this.#init.segmentsMax) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const oldest = this.#manifests.keys().next();
    if (oldest.done !== true) this.#forget(oldest.value);
  }

  #forget(manifestKey: string): void {
    for (const track of this.#manifests.get(manifestKey)?.values() ?? [])
      for (const key of track.segments) if (this.#places.get(key)?.track === track) this.#places.delete(key);
    this.#manifests.delete(manifestKey);
  }
}
