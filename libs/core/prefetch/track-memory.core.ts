import type { Millis } from '#kernel';
import type { Manifest, ManifestTrack } from './manifest.ts';
import { nameAfter } from './numbered.core.ts';

/** A rendition that somebody watches, by the keys of its segments. */
interface Track {
  segments: string[];
  lastAskedMs: Millis;
  /** How long a segment of what is live lasts; undefined for what is not, and where nobody says. */
  readonly segmentMs: Millis | undefined;
  /** When the newest segment was there, as far as anybody here knows. */
  newestMs: Millis;
  /** The furthest segment that was asked for, and whether one was after the one before it. */
  furthest: number;
  inOrder: boolean;
  /** What comes next, while it is waited for. */
  awaited: Foreseen | undefined;
}

/** What will be there next of a live rendition. */
export interface Foreseen {
  readonly key: string;
  /** Not to be asked for before. */
  readonly dueMs: Millis;
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
/** So far from its end somebody who watches live asks for segments. */
const nearEnd = 4;
/** Clocks are not the same, and no timer is exact, ms. */
const marginMs = 20;
/** What was not there when it was due is later by so much from then on, ms. */
const laterMs = 250;

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
  note(manifestKey: string, manifest: Manifest, keyOf: (target: string) => string | undefined, nowMs: Millis): void {
    const before = this.#manifests.get(manifestKey);
    this.#forget(manifestKey);
    const tracks = new Map<string, Track>();
    for (const listed of manifest.tracks) {
      const { id, segments } = listed;
      const kept = manifest.live ? segments.slice(-liveSegments) : segments;
      const keys = kept.flatMap((target) => keyOf(target) ?? []);
      const track = trackOf(keys, manifest.live ? listed : undefined, before?.get(id), nowMs);
      const count = keysOf(track).length;
      if (this.#places.size + count > this.#init.segmentsMax) this.#makeRoom(count);
      if (this.#places.size + count > this.#init.segmentsMax) break;
      tracks.set(id, track);
      this.#place(track);
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
    const { track } = place;
    track.lastAskedMs = nowMs;
    if (place.at === track.furthest + 1) track.inOrder = true;
    track.furthest = Math.max(track.furthest, place.at);
    return track.segments.slice(place.at + 1, place.at + 1 + count);
  }

  /**
   * What a live rendition of regular numbering will have next, and when: told once, to who asks for one of its newest segments
   * where they are asked for in their order, and for the one after when {@link arrived} has told what became of it.
   */
  foresee(key: string, nowMs: Millis): Foreseen | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    const { track } = place;
    const { awaited, segmentMs } = track;
    if (segmentMs === undefined || !track.inOrder || place.at < track.segments.length - nearEnd) return undefined;
    if (awaited !== undefined && nowMs < awaited.dueMs + 2 * segmentMs) return undefined;
    // Nobody told what became of it: something else took its place.
    if (awaited !== undefined) this.arrived(awaited.key, false);
    const [first, second, third] = track.segments.slice(-3);
    const next = first === undefined || second === undefined || third === undefined ? undefined : nameAfter(first, second, third);
    if (next === undefined || this.#places.size >= this.#init.segmentsMax) return undefined;
    track.awaited = { key: next, dueMs: track.newestMs + segmentMs + marginMs };
    this.#place(track);
    return track.awaited;
  }

  /** What became of what was foreseen: it is here, or on its way, or was not there when it was due. */
  arrived(key: string, isHere: boolean): void {
    const track = this.#places.get(key)?.track;
    if (track?.segmentMs === undefined || track.awaited?.key !== key) return;
    track.awaited = undefined;
    track.segments.push(key);
    track.newestMs += track.segmentMs + (isHere ? 0 : laterMs);
    if (track.segments.length > 2 * liveSegments) this.#shorten(track);
  }

  #place(track: Track): void {
    for (const [at, key] of keysOf(track).entries()) this.#places.set(key, { track, at });
  }

  #unplace(track: Track, keys: readonly string[]): void {
    for (const key of keys) if (this.#places.get(key)?.track === track) this.#places.delete(key);
  }

  #shorten(track: Track): void {
    this.#unplace(track, track.segments.splice(0, liveSegments));
    track.furthest -= liveSegments;
    this.#place(track);
  }

  #makeRoom(segments: number): void {
    while (this.#manifests.size > 0 && this.#places.size + segments > this.#init.segmentsMax) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const oldest = this.#manifests.keys().next();
    if (oldest.done !== true) this.#forget(oldest.value);
  }

  #forget(manifestKey: string): void {
    for (const track of this.#manifests.get(manifestKey)?.values() ?? []) this.#unplace(track, keysOf(track));
    this.#manifests.delete(manifestKey);
  }
}

function keysOf({ awaited, segments }: Track): readonly string[] {
  return awaited === undefined ? segments : [...segments, awaited.key];
}

type Listed = Pick<ManifestTrack, 'newestAgeMs' | 'segmentMs'>;

/** A rendition as a manifest lists it now, with what was known of it before. @param live undefined where nothing is to come */
function trackOf(listed: string[], live: Listed | undefined, before: Track | undefined, nowMs: Millis): Track {
  const newest = listed.at(-1);
  const at = newest === undefined || before === undefined || live === undefined ? -1 : before.segments.lastIndexOf(newest);
  // What came before its manifest named it stays, and so does what is waited for.
  const ahead = before === undefined || at < 0 ? [] : before.segments.slice(at + 1);
  const segments = [...listed, ...ahead].slice(-segmentsKept(live));
  const asked = before?.segments[before.furthest];
  const furthest = asked === undefined ? -1 : segments.lastIndexOf(asked);
  return {
    segments,
    segmentMs: live?.segmentMs,
    lastAskedMs: before?.lastAskedMs ?? -Infinity,
    newestMs: before !== undefined && at >= 0 ? before.newestMs : nowMs - (live?.newestAgeMs ?? 0),
    furthest: furthest < 0 ? -Infinity : furthest,
    inOrder: before?.inOrder === true,
    awaited: at < 0 ? undefined : before?.awaited,
  };
}

function segmentsKept(live: Listed | undefined): number {
  return live === undefined ? Number.MAX_SAFE_INTEGER : liveSegments;
}
