import { readAudioHeader, readVideoHeader, tagType, videoPayload, type FlvTag } from '#core/flv';
import type { Millis } from '#kernel';

/** What arrived over a window. */
export interface InputFigures {
  readonly windowMs: Millis;
  /** Bits per second. */
  readonly videoBitrate: number;
  readonly audioBitrate: number;
  readonly frameRate: number;
  readonly keyFrameIntervalMs: Millis | null;
  readonly keyFrameIntervalFrames: number | null;
  readonly reordersFrames: boolean;
  readonly soundAheadMs: Millis | null;
}

/** Sound and picture take turns: how far they are apart is told by the one that is behind when the other arrives, on the whole. */
const smoothing = 0.05;
/** So far apart, one of the two has stopped. */
const apartMsMax = 60_000;
/** The first group tells of itself before its end when it is this long. */
const openGroupMsMin = 5000;

/** Measures a publisher's media as it arrives from the relay. Pure: nothing is kept but sums. */
export class InputMeter {
  #videoBytes = 0;
  #audioBytes = 0;
  #frames = 0;
  #sinceKeyFrame = 0;
  #lastKeyFrameMs: Millis | undefined;
  #interval: { readonly ms: Millis; readonly frames: number } | undefined;
  /** Least and greatest time between decoding and showing a frame: an encoder without B-frames has one alone. */
  #shownAfterMs: readonly [number, number] | undefined;
  #videoMs: Millis | undefined;
  #audioMs: Millis | undefined;
  #aheadMs: number | undefined;
  #begunMs: Millis | undefined;

  push(tag: FlvTag): void {
    if (tag.type === tagType.video) this.#video(tag);
    else if (tag.type === tagType.audio) this.#audio(tag);
  }

  /** What came since the last call; undefined for the first, which begins the first window. */
  take(nowMs: Millis): InputFigures | undefined {
    const windowMs = this.#begunMs === undefined ? 0 : Math.round(nowMs - this.#begunMs);
    this.#begunMs = nowMs;
    const rate = (bytes: number): number => Math.round((bytes * 8000) / windowMs);
    const figures =
      windowMs <= 0
        ? undefined
        : {
            windowMs,
            videoBitrate: rate(this.#videoBytes),
            audioBitrate: rate(this.#audioBytes),
            frameRate: Math.round((this.#frames * 100_000) / windowMs) / 100,
            keyFrameIntervalMs: this.#intervalMs(),
            keyFrameIntervalFrames: this.#interval?.frames ?? null,
            reordersFrames: this.#reorders(),
            soundAheadMs: this.#aheadMs === undefined ? null : Math.round(this.#aheadMs),
          };
    [this.#videoBytes, this.#audioBytes, this.#frames, this.#shownAfterMs] = [0, 0, 0, undefined];
    return figures;
  }

  /** A group that is not over yet and already longer than the last one is what viewers meet now. */
  #intervalMs(): Millis | null {
    const openMs = (this.#videoMs ?? 0) - (this.#lastKeyFrameMs ?? 0);
    if (this.#interval === undefined) return this.#lastKeyFrameMs !== undefined && openMs >= openGroupMsMin ? openMs : null;
    return Math.max(this.#interval.ms, openMs);
  }

  /** By more than times in whole milliseconds differ by themselves. */
  #reorders(): boolean {
    const [least, most] = this.#shownAfterMs ?? [0, 0];
    return most - least > 2;
  }

  #video({ body, timestampMs }: FlvTag): void {
    const header = readVideoHeader(body);
    if (header.kind !== 'frames') return;
    this.#videoBytes += body.length;
    this.#frames += 1;
    this.#sinceKeyFrame += 1;
    const { compositionMs } = videoPayload(body);
    const [least, most] = this.#shownAfterMs ?? [compositionMs, compositionMs];
    this.#shownAfterMs = [Math.min(least, compositionMs), Math.max(most, compositionMs)];
    if (header.keyFrame) {
      if (this.#lastKeyFrameMs !== undefined) this.#interval = { ms: Math.max(0, timestampMs - this.#lastKeyFrameMs), frames: this.#sinceKeyFrame };
      this.#lastKeyFrameMs = timestampMs;
      this.#sinceKeyFrame = 0;
    }
    this.#videoMs = timestampMs;
    this.#compare();
  }

  #audio({ body, timestampMs }: FlvTag): void {
    if (readAudioHeader(body).kind !== 'frames') return;
    this.#audioBytes += body.length;
    this.#audioMs = timestampMs;
    this.#compare();
  }

  #compare(): void {
    if (this.#videoMs === undefined || this.#audioMs === undefined) return;
    const apartMs = this.#audioMs - this.#videoMs;
    if (Math.abs(apartMs) > apartMsMax) return;
    this.#aheadMs = this.#aheadMs === undefined ? apartMs : this.#aheadMs + (apartMs - this.#aheadMs) * smoothing;
  }
}
