import { readVideoHeader, tagType, type FlvTag } from '#core/flv';
import type { Millis } from '#kernel';

/** A publisher whose frames are this far apart has paused its picture: players are shown the last one meanwhile. */
const pauseMsMin: Millis = 4000;

/** Notices where a publisher's picture came back after a pause. Pictures are looked at seconds later: what they say of the pause is over by then. */
export class PicturePauses {
  #lastMs: Millis | undefined;
  #isAwaited = false;
  #backMs: Millis | undefined;

  push({ type, body, timestampMs }: FlvTag): void {
    if (type !== tagType.video) return;
    const header = readVideoHeader(body);
    if (header.kind !== 'frames') return;
    if (this.#lastMs !== undefined && timestampMs - this.#lastMs >= pauseMsMin) this.#isAwaited = true;
    this.#lastMs = timestampMs;
    // Nobody sees any of it before a key frame.
    if (!this.#isAwaited || !header.keyFrame) return;
    this.#isAwaited = false;
    this.#backMs = timestampMs;
  }

  /** Whether a picture of this time of the session is from before the picture came back last. */
  isOverSince(atMs: Millis): boolean {
    return this.#backMs !== undefined && atMs < this.#backMs;
  }
}
