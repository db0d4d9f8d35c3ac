import { Fmp4Error } from './errors.ts';
import { isSync } from './fragment.core.ts';
import type { TimedSample } from './rendition-cutter.core.ts';

/**
 * A key frame this little before the grid is at it: times are rounded. The encoder's own rule (half a millisecond, see
 * ffmpeg-plan) lies between the two, so that a frame close enough for {@link atGridUs} is a key frame for certain.
 */
const nearGridUs = 1000;
const atGridUs = 50;

/** Sound that is left behind a cut when nothing follows is no segment of its own if it is less. */
const restUsMax = 100_000;

/**
 * A start so shortly before the grid, as a share of it, gives no segment of a few milliseconds: the first one ends at the next multiple.
 * DASH players count what begins in the last tenth to that one, too, and the sound of it may begin a frame sooner than the picture.
 */
const sliverShare = 0.05;

/** Where the key frames of the leading rendition come from. */
export type KeyFrameSource =
  /** An encoder forces one at every multiple of the grid. */
  | 'forced'
  /** The publisher's, beside renditions of an encoder: they must be at the multiples of the grid. */
  | 'on-grid'
  /** The publisher's alone. */
  | 'as-they-come';

export interface CutFinderInit {
  readonly gridUs: number;
  /** Where the leading rendition begins on the stream's timeline, microseconds. */
  readonly startUs: number;
  /** Where the first segment begins, if another rendition begins before it. */
  readonly firstUs?: number;
  readonly kind: 'video' | 'audio';
  readonly keyFrames: KeyFrameSource;
}

/** Looks at the leading rendition's samples and finds where segments are cut, microseconds of the stream's timeline. */
export interface CutFinder {
  /**
   * @param endUs where the last of the samples ends
   * @param endsAtKeyFrame true when a key frame is known to follow there
   * @throws Fmp4Error `KEY_FRAMES_SPARSE`
   */
  look(pieces: readonly TimedSample[], endUs: number, endsAtKeyFrame: boolean): readonly number[];
  /** Before this no cut will be made any more: a key frame that may yet become one, or undefined for all that was seen. */
  readonly openUs: number | undefined;
  /** The newest cut; before the first, where the rendition begins. */
  readonly lastUs: number;
}

export function cutFinder(init: CutFinderInit): CutFinder {
  return init.kind === 'video' && init.keyFrames === 'as-they-come' ? new KeyFrameCuts(init) : new GridCuts(init);
}

/** Cuts at the first key frame at or after each multiple of the grid; without video the grid itself is the cut. */
class GridCuts implements CutFinder {
  /** Where sound alone is cut, once more than a rest is there behind it. */
  #heldUs: number | undefined;
  readonly #init: CutFinderInit;
  #nextGridUs: number;
  #lastUs: number;

  constructor(init: CutFinderInit) {
    this.#init = init;
    this.#nextGridUs = gridAfter(init.startUs + init.gridUs * sliverShare, init.gridUs);
    this.#lastUs = init.startUs;
  }

  get lastUs(): number {
    return this.#lastUs;
  }

  get openUs(): number | undefined {
    return this.#heldUs;
  }

  /**
   * A fragment of an encoder that ends at the grid is complete because the next frame is a forced key frame: the cut is
   * known without waiting for the fragment that begins with it.
   */
  look(pieces: readonly TimedSample[], endUs: number, endsAtKeyFrame: boolean): readonly number[] {
    const { kind, keyFrames } = this.#init;
    const cuts: number[] = [];
    for (const { sample, us } of pieces) {
      this.#cutHeld(us, cuts);
      if (us + nearGridUs < this.#nextGridUs) continue;
      if (kind === 'audio') this.#heldUs ??= us;
      else if (isSync(sample)) cuts.push(this.#cut(us));
      else if (keyFrames === 'on-grid' && us - nearGridUs > this.#nextGridUs) throw sparse(`none at ${this.#nextGridUs} us, where renditions are cut`);
    }
    this.#cutHeld(endUs, cuts);
    if (kind === 'video' && endsAtKeyFrame && endUs + nearGridUs >= this.#nextGridUs) cuts.push(this.#cut(endUs));
    const lastUs = pieces.at(-1)?.us;
    const crosses = lastUs !== undefined && lastUs < this.#nextGridUs && endUs + atGridUs >= this.#nextGridUs;
    if (kind === 'video' && keyFrames === 'forced' && crosses) cuts.push(this.#cut(endUs));
    return cuts;
  }

  #cutHeld(untilUs: number, cuts: number[]): void {
    if (this.#heldUs !== undefined && untilUs - this.#heldUs >= restUsMax) cuts.push(this.#cut(this.#heldUs));
  }

  #cut(us: number): number {
    this.#nextGridUs = gridAfter(us + nearGridUs, this.#init.gridUs);
    this.#lastUs = us;
    this.#heldUs = undefined;
    return us;
  }
}

/** A segment that lasts three quarters of what is asked for is long enough, unless the next key frame is on its way and still in time. */
const soonShare = 0.75;
/** EXTINF is rounded and must not exceed the target duration (RFC 8216bis section 4.4.3.1): half a second less rounding of our own. */
const overUs = 450_000;

/**
 * Cuts at the publisher's key frames, wherever they are: at the first that makes the segment long enough, or at the one behind
 * it where they come so close that it will be no later than asked for; and if none comes before it would be too long, at the
 * last one that made it shorter.
 */
class KeyFrameCuts implements CutFinder {
  readonly #gridUs: number;
  readonly #soonUs: number;
  readonly #longestUs: number;
  readonly #startUs: number;
  #lastUs: number;
  /** A key frame that came too soon. */
  #earlyUs: number | undefined;
  /** The newest key frame, whatever became of it. */
  #keyUs: number;

  constructor({ startUs, firstUs = startUs, gridUs }: CutFinderInit) {
    this.#gridUs = gridUs;
    this.#keyUs = startUs;
    this.#startUs = startUs;
    this.#lastUs = Math.min(startUs, firstUs);
    this.#soonUs = gridUs * soonShare;
    this.#longestUs = gridUs + overUs;
  }

  get openUs(): number | undefined {
    return this.#earlyUs;
  }

  get lastUs(): number {
    return this.#lastUs;
  }

  look(pieces: readonly TimedSample[], endUs: number, endsAtKeyFrame: boolean): readonly number[] {
    const cuts: number[] = [];
    for (const { sample, us } of pieces) this.#see(us, isSync(sample), cuts);
    if (endsAtKeyFrame) this.#see(endUs, true, cuts);
    return cuts;
  }

  #see(us: number, isKeyFrame: boolean, cuts: number[]): void {
    while (us - this.#lastUs > this.#longestUs) cuts.push(this.#cutEarly());
    if (!isKeyFrame || us <= this.#lastUs || us <= this.#startUs) return;
    const nextUs = us + (us - this.#keyUs);
    this.#keyUs = us;
    if (us - this.#lastUs >= this.#soonUs && nextUs - this.#lastUs > this.#gridUs + nearGridUs) cuts.push(this.#cut(us));
    else this.#earlyUs = us;
  }

  #cutEarly(): number {
    if (this.#earlyUs === undefined) throw sparse(`none for ${Math.round(this.#longestUs / 1000)} ms, which is the longest that a segment may last`);
    return this.#cut(this.#earlyUs);
  }

  #cut(us: number): number {
    this.#lastUs = us;
    this.#earlyUs = undefined;
    return us;
  }
}

function sparse(detail: string): Fmp4Error {
  return new Fmp4Error('KEY_FRAMES_SPARSE', `The publisher's key frames do not allow its picture to be carried as it is: ${detail}.`);
}

/** The first multiple of the grid after `us`. */
function gridAfter(us: number, gridUs: number): number {
  return (Math.floor(us / gridUs) + 1) * gridUs;
}
