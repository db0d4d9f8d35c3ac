import type { FeedTag } from '../feed/feed.types.ts';
import type { PictureChange } from './source-remux.ts';

/** A tag that an encoder is given, and when, ms of the session. */
export interface Fed {
  readonly tag: FeedTag;
  readonly timestampMs: number;
}

/** A picture that is away for less is late; of sources that are slow by themselves it is as many of their frames. */
const awayMsMin = 1500;
const awayFrames = 4;
/** Of a source that has shown too little to be known, and at most: slide shows. */
const awayMsMax = 6000;
const picturesKnown = 10;
/** The newest key frame is shown once more so often, and up to so long before the newest sound. */
const stillMs = 500;
const marginMs = 500;
/** A picture that is always sent behind its sound is waited for so long at most. */
const lateMsMax = 3000;
/** More sound than that behind the last picture is not left without one when both end. */
const heardAloneMs = 400;
/** Stills at once: what lies further apart is of a clock that was set. */
const stillsMax = 10_000;

/**
 * What an encoder is given while a publisher's picture stops and its sound goes on: the newest key frame, again and again, for an
 * encoder that gets no picture cuts no segment, of the sound neither. Frames that refer to others are passed over then, until the
 * next key frame. Pure.
 */
export class HeldPicture {
  #key: FeedTag | undefined;
  #soundMs: number | undefined;
  /** Of the newest picture or still. */
  #lastMs = 0;
  #awaySinceMs: number | undefined;
  /** How far behind the sound the picture comes when all is well. */
  #lateMs = 0;
  #pictures = 0;
  /** Greatest distance between two pictures of this group of pictures, and of the one before. */
  #gapMs = 0;
  #gapMsBefore = 0;
  #change: PictureChange | undefined;

  /** What the encoder is given when that comes. */
  push(tag: FeedTag): readonly Fed[] {
    if (tag.beside !== undefined) return [fed(tag)];
    return tag.kind === 'video' ? this.#picture(tag) : [...this.#sound(tag), fed(tag)];
  }

  /** What it is given when nothing more comes. */
  end(): readonly Fed[] {
    const soundMs = this.#soundMs ?? 0;
    return this.#awaySinceMs !== undefined || soundMs - this.#lastMs > heardAloneMs ? this.#stills(soundMs) : [];
  }

  /** That the picture stopped, or is back, once each. */
  takeChange(): PictureChange | undefined {
    const change = this.#change;
    this.#change = undefined;
    return change;
  }

  #sound({ timestampMs }: FeedTag): readonly Fed[] {
    this.#soundMs = Math.max(this.#soundMs ?? timestampMs, timestampMs);
    const dueMs = this.#soundMs - this.#lateMs;
    if (this.#awaySinceMs === undefined && dueMs - this.#lastMs < this.#awayMs) return [];
    const stills = this.#stills(dueMs - marginMs);
    if (stills.length > 0 && this.#awaySinceMs === undefined) {
      this.#awaySinceMs = (stills[0] as Fed).timestampMs - stillMs;
      this.#change = { kind: 'away' };
    }
    return stills;
  }

  #picture(tag: FeedTag): readonly Fed[] {
    const { timestampMs, keyFrame } = tag;
    if (this.#awaySinceMs !== undefined) {
      if (!keyFrame || timestampMs <= this.#lastMs) return [];
      this.#change = { kind: 'back', awayMs: Math.round(timestampMs - this.#awaySinceMs) };
      this.#awaySinceMs = undefined;
    } else if (this.#pictures > 0) {
      this.#gapMs = Math.max(this.#gapMs, timestampMs - this.#lastMs);
      this.#lateMs = Math.min(lateMsMax, Math.max(this.#lateMs, (this.#soundMs ?? timestampMs) - timestampMs));
    }
    if (keyFrame) {
      this.#key = tag;
      [this.#gapMsBefore, this.#gapMs] = [this.#gapMs, 0];
    }
    this.#pictures += 1;
    this.#lastMs = timestampMs;
    return [fed(tag)];
  }

  get #awayMs(): number {
    if (this.#pictures < picturesKnown) return awayMsMax;
    return Math.min(awayMsMax, Math.max(awayMsMin, awayFrames * Math.max(this.#gapMs, this.#gapMsBefore)));
  }

  #stills(untilMs: number): readonly Fed[] {
    const tag = this.#key;
    const count = Math.min(stillsMax, Math.floor((untilMs - this.#lastMs) / stillMs));
    if (tag === undefined || count < 1) return [];
    const stills = Array.from({ length: count }, (_, n): Fed => ({ tag, timestampMs: this.#lastMs + (n + 1) * stillMs }));
    this.#lastMs += count * stillMs;
    return stills;
  }
}

function fed(tag: FeedTag): Fed {
  return { tag, timestampMs: tag.timestampMs };
}
