import { tagType, videoPayload, type TagType } from '#core/flv';

/** What of a message tells whether a segment ends with it. */
export interface PacedMessage {
  readonly type: TagType;
  readonly track: number;
  readonly keyFrame: boolean;
  readonly timestampMs: number;
  /** The first bytes of its body. */
  readonly tag: { peek(count: number): Uint8Array };
}

/** How far behind its picture sound may come before a segment is not late because of it, ms of media. */
const soundBehindMsMax = 1000;
/** Of a video body, as far as its composition time reaches. */
const headBytes = 8;

/**
 * Tells what a packager cannot wait for that cuts segments at the key frames that come: the key frame, and then the sound up to
 * where it is shown. What lies between makes no segment sooner, whenever it arrives. Pure.
 */
export class SegmentPace {
  #hasTracks = false;
  /** Where the newest key frame is shown, until the sound has come as far, ms of the session. */
  #cutMs: number | undefined;

  /** @param has what the session is configured for: without a picture segments end by the clock, and everything is urgent */
  isUrgent(message: PacedMessage, has: { readonly audio: boolean; readonly video: boolean }): boolean {
    // Each further track is cut at key frames of its own.
    if (message.track !== 0) this.#hasTracks = true;
    if (this.#hasTracks || !has.video) return true;
    const { type, timestampMs, keyFrame, tag } = message;
    if (keyFrame) this.#cutMs = has.audio ? timestampMs + videoPayload(tag.peek(headBytes)).compositionMs : undefined;
    else if (this.#cutMs === undefined) return false;
    else if (type === tagType.audio ? timestampMs >= this.#cutMs : timestampMs > this.#cutMs + soundBehindMsMax) this.#cutMs = undefined;
    return true;
  }
}
