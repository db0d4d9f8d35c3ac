import type { Manifest, ManifestTrack } from './manifest.ts';
import type { WishSource } from './wish.ts';

export interface PlanInit {
  /** Segments that a player asks for when it begins, or goes on. */
  readonly ahead: number;
  /** Whether who asked for the manifest plays with low latency: then parts are asked for, too. */
  readonly lowLatency: boolean;
  /** Whether somebody asked for a segment of a rendition lately. */
  readonly isWatched: (trackId: string) => boolean;
}

export interface Planned {
  readonly target: string;
  readonly source: WishSource;
}

/** A player begins this far behind the newest segment (RFC 8216 section 6.3.3). */
const liveStart = 3;

/**
 * What is asked for next by who was just sent a manifest: of what is live the newest segments, else the first; of a manifest of
 * many renditions those that are watched, and where nobody watches yet, those that a player begins with. Of playlists of
 * playlists the ones that it begins with.
 */
export function planManifest(manifest: Manifest, init: PlanInit): readonly Planned[] {
  const watched = manifest.tracks.filter(({ id }) => init.isWatched(id));
  const chosen = watched.length > 0 ? watched : manifest.tracks.filter(({ id }) => manifest.first.includes(id));
  const playlists = manifest.playlists.map((target) => ({ target, source: 'manifest' as const }));
  return [...playlists, ...chosen.flatMap((track) => planTrack(track, manifest.live, init))];
}

function planTrack({ init: initial, parts, segments }: ManifestTrack, live: boolean, { ahead, lowLatency }: PlanInit): Planned[] {
  const next = live ? segments.slice(-liveStart) : segments.slice(0, ahead);
  const targets = initial === undefined ? next : [initial, ...next];
  const planned: Planned[] = targets.map((target) => ({ target, source: 'manifest' }));
  if (live && lowLatency) for (const target of parts) planned.push({ target, source: 'parts' });
  return planned;
}
