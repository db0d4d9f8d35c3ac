import type { SegmentGroup } from '#core/fmp4';
import { leadingFragment, stretchSegmentsMax, stretchUsMin } from './sample-plan.core.ts';

/** How a rendition's segments are coded, as they were announced. */
export interface KnownTrack {
  readonly initCid: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** A run of segments that is looked at together: one key frame of each, and all of the sound. */
export interface Stretch {
  /** Of the first segment. */
  readonly mediaSequence: number;
  readonly startUs: number;
  endUs: number;
  segments: number;
  readonly picture: { readonly track: KnownTrack; readonly fragments: Uint8Array[] } | undefined;
  readonly sound: { readonly track: KnownTrack; readonly segments: Uint8Array[] } | undefined;
}

/** Segments further apart than this do not continue each other, microseconds. */
const gapUs = 100_000;

type Found = { readonly rendition: string; readonly track: KnownTrack; readonly bytes: Uint8Array; readonly startUs: number; readonly endUs: number };

/** Gathers segments until there are enough to be decoded at once. Of the renditions the smallest picture is taken, and the first sound. */
export class StretchGatherer {
  #open: Stretch | undefined;

  /** @returns the stretches that are complete with it: one at most that it ends, and one that it completes */
  add({ mediaSequence, segments }: SegmentGroup, tracks: ReadonlyMap<string, KnownTrack>): readonly Stretch[] {
    const found = segments.flatMap(({ rendition, bytes, startUs, durationUs }): Found[] => {
      const track = tracks.get(rendition);
      return track === undefined ? [] : [{ rendition, track, bytes, startUs, endUs: startUs + durationUs }];
    });
    const [picture] = found.filter(({ track }) => track.height !== undefined).toSorted((a, b) => (a.track.height ?? 0) - (b.track.height ?? 0));
    const sound = found.find(({ track }) => track.height === undefined);
    const leader = picture ?? sound;
    if (leader === undefined) return [];
    const ended = this.#continues(leader.startUs, picture, sound) ? [] : this.flush();
    const stretch = (this.#open ??= {
      mediaSequence,
      startUs: leader.startUs,
      endUs: leader.endUs,
      segments: 0,
      picture: picture === undefined ? undefined : { track: picture.track, fragments: [] },
      sound: sound === undefined ? undefined : { track: sound.track, segments: [] },
    });
    stretch.endUs = leader.endUs;
    stretch.segments += 1;
    if (picture !== undefined) stretch.picture?.fragments.push(leadingFragment(picture.bytes));
    if (sound !== undefined) stretch.sound?.segments.push(sound.bytes);
    const isLong = stretch.endUs - stretch.startUs >= stretchUsMin || stretch.segments >= stretchSegmentsMax;
    return isLong ? [...ended, ...this.flush()] : ended;
  }

  /** What is there, however short. */
  flush(): readonly Stretch[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : [open];
  }

  /** One initialisation holds for all of it, and nothing is missing. */
  #continues(startUs: number, picture: Found | undefined, sound: Found | undefined): boolean {
    const open = this.#open;
    if (open === undefined || Math.abs(startUs - open.endUs) > gapUs) return false;
    return open.picture?.track.initCid === picture?.track.initCid && open.sound?.track.initCid === sound?.track.initCid;
  }
}
