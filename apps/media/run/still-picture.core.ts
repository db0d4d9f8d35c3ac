/** Where a carried picture stands, microseconds of the stream's timeline. */
export interface PictureView {
  /** Where its open segment begins. */
  readonly cutUs: number;
  /** Where its newest frame begins. */
  readonly openUs: number;
  /** How long behind that another can begin at the earliest. */
  readonly reachUs: number;
}

/** The newest key frame, shown once more. */
export interface Still {
  readonly atUs: number;
  /** A segment begins with it. */
  readonly isPoint: boolean;
}

/** A picture that is away for less is late, or has a slow source. */
const awayUsMin = 1_000_000;
/** What frames are apart within a group of pictures is less, unless some are missing. */
const holeUsMin = 200_000;
/** Stills end so long before the newest sound: a picture that is back has its segment's beginning for itself. */
const marginUs = 500_000;
/** What players of low latency are promised a part to have at most. */
const stillUs = 500_000;
/** EXTINF is rounded and must not exceed the target duration (RFC 8216bis section 4.4.3.1). */
const overUs = 450_000;
/** A picture that is always sent behind its sound is waited for so long at most. */
const lateUsMax = 3_000_000;
/** Stills at once: what lies further apart is of a clock that was set. */
const stillsMax = 10_000;

/**
 * Decides when a picture that is carried as it is has stopped while its sound goes on, and where its newest key frame is shown
 * meanwhile: a segment is never longer than players were told, no part is longer than theirs, and segments keep their length.
 * As long as its segment may grow, the last frame just stays. Pure.
 */
export class StillPicture {
  readonly #gridUs: number;
  #soundUs: number | undefined;
  /** How far behind the sound the picture comes when all is well. */
  #lateUs = 0;
  /** Where the last real frame began. */
  #awaySinceUs: number | undefined;
  /** The newest group of pictures: where it began, how long one lasts, and what is missing of it. */
  #keyUs: number | undefined;
  #groupUs: number | undefined;
  #holesUs = 0;

  constructor(init: { readonly gridUs: number }) {
    this.#gridUs = init.gridUs;
  }

  /** The key frame is shown in place of pictures that do not come. */
  get isShown(): boolean {
    return this.#awaySinceUs !== undefined;
  }

  /** Sound came. Answers up to where stills are due; undefined for none. */
  sound(atUs: number, { cutUs, openUs }: PictureView): number | undefined {
    this.#soundUs = Math.max(this.#soundUs ?? atUs, atUs);
    const dueUs = this.#soundUs - this.#lateUs;
    const isAway = this.isShown || (dueUs > openUs + awayUsMin && dueUs > cutUs + this.#gridUs + marginUs);
    return isAway ? dueUs - marginUs : undefined;
  }

  /** A picture came. Answers up to where stills are due before it; undefined for none. */
  picture(atUs: number, keyFrame: boolean, view: PictureView): number | undefined {
    const { cutUs, openUs, reachUs } = view;
    this.#seeGroup(atUs, keyFrame, openUs);
    const lateUs = (this.#soundUs ?? atUs) - atUs;
    if (!this.isShown || atUs <= openUs) this.#lateUs = Math.min(lateUsMax, Math.max(this.#lateUs, lateUs + (this.isShown ? marginUs : 0)));
    if (this.isShown) return keyFrame && atUs > openUs ? atUs : undefined;
    const isAway = atUs > openUs + awayUsMin && atUs > cutUs + this.#gridUs + overUs;
    if (keyFrame) return isAway ? atUs : undefined;
    // One still at least: it begins the next segment.
    const leastUs = Math.max(cutUs + this.#gridUs, openUs + reachUs) + 1;
    return isAway || this.#isKeyFrameLate(atUs, view) ? Math.max(atUs - marginUs, leastUs) : undefined;
  }

  #seeGroup(atUs: number, keyFrame: boolean, openUs: number): void {
    if (!keyFrame) {
      if (atUs - openUs > holeUsMin) this.#holesUs += atUs - openUs;
      return;
    }
    if (this.#holesUs === 0 && this.#keyUs !== undefined) this.#groupUs = atUs - this.#keyUs;
    this.#keyUs = atUs;
    this.#holesUs = 0;
  }

  /** Frames go on behind a hole, and an encoder that counts them, or has lost its key frame in the hole, begins its next group too late for the segment. */
  #isKeyFrameLate(atUs: number, { cutUs }: PictureView): boolean {
    if (this.#holesUs === 0 || atUs < cutUs + this.#gridUs) return false;
    const [keyUs, groupUs] = [this.#keyUs, this.#groupUs];
    if (keyUs === undefined || groupUs === undefined) return true;
    const countedUs = keyUs + groupUs + this.#holesUs;
    const timedUs = keyUs + Math.ceil((atUs - keyUs) / groupUs) * groupUs;
    return Math.max(countedUs, timedUs) > cutUs + this.#gridUs + overUs;
  }

  /** Nothing follows. Answers up to where stills are due; undefined for none. */
  end(atUs: number, { cutUs }: PictureView): number | undefined {
    return this.isShown || atUs > cutUs + this.#gridUs + overUs ? atUs : undefined;
  }

  /** A key frame came that is shown: answers how long the picture was away, microseconds; undefined where it was not. */
  back(atUs: number): number | undefined {
    const sinceUs = this.#awaySinceUs;
    this.#awaySinceUs = undefined;
    return sinceUs === undefined ? undefined : atUs - sinceUs;
  }

  /**
   * The next still that is due; the view must be taken anew after each.
   * @param followed a key frame, or the end, comes at `untilUs`: no segment shall begin just before it
   */
  next({ cutUs, openUs, reachUs }: PictureView, untilUs: number, followed: boolean): Still | undefined {
    const pointUs = cutUs + this.#gridUs;
    const still = this.isShown
      ? this.#further(openUs, pointUs, followed && untilUs - pointUs <= overUs)
      : { atUs: Math.max(pointUs, openUs + reachUs), isPoint: true };
    if (still.atUs >= untilUs) return undefined;
    this.#awaySinceUs ??= openUs;
    return still;
  }

  #further(openUs: number, pointUs: number, isLast: boolean): Still {
    const atUs = openUs + stillUs;
    return !isLast && pointUs > openUs && pointUs <= atUs ? { atUs: pointUs, isPoint: true } : { atUs, isPoint: false };
  }
}

/** Calls `show` for each still that is due. @param view where the picture stands now */
export function showStills(
  picture: StillPicture,
  due: { readonly untilUs: number; readonly followed: boolean },
  { view, show }: { readonly view: () => PictureView | undefined; readonly show: (still: Still) => void },
): void {
  for (let count = 0; count < stillsMax; count++) {
    const now = view();
    const still = now === undefined ? undefined : picture.next(now, due.untilUs, due.followed);
    if (still === undefined) return;
    show(still);
  }
}
