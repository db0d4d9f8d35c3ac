import { silenceOf, type Silence } from '#core/flv';

/** A frame of silence and when it is due, ms of the session. */
export interface SilentFrame {
  readonly timestampMs: number;
  readonly body: Uint8Array;
}

/** So far sound may be sent behind its picture before silence stands in for it, ms of media. */
const lagMsFirst = 1000;
/** Sound that comes later than that shows that its publisher sends it late: it is waited for so long at most. */
const lagMsMaxDefault = 3000;
const lagMarginMs = 500;
/** A hole that one hears, ms. What is shorter is a lost frame, which whoever carries the sound closes. */
const holeMs = 200;
/** More silence than that is not made up at once: times that far apart are of a clock that was set. */
const fillMsMax = 15_000;

/**
 * Makes silence where a publisher sends a picture and has announced sound, but sends none: from the beginning (a microphone that
 * opens late), and in pauses. Whatever reads the sound then goes on with the picture, and players hear the sound when it comes,
 * without a break. Pure.
 */
export class SoundFiller {
  #silence: Silence | undefined;
  /** Where the sound ends that is there; until the first, where the picture begins. */
  #endMs: number | undefined;
  #hasSound = false;
  /** Up to where silence was made up. */
  #filledMs = Number.NEGATIVE_INFINITY;
  #lagMs = lagMsFirst;
  readonly #lagMsMax: number;

  constructor(lagMsMax = lagMsMaxDefault) {
    this.#lagMsMax = lagMsMax;
  }

  /** @param config body of the sound's FLV sequence header */
  configure(config: Uint8Array): void {
    this.#silence = silenceOf(config);
  }

  /** Silence can be made for the configuration that came last. */
  get canFill(): boolean {
    return this.#silence !== undefined;
  }

  /** Silence that is due when the picture has come to `atMs`. */
  pictureAt(atMs: number): readonly SilentFrame[] {
    this.#endMs ??= atMs;
    return atMs - this.#endMs > this.#lagMs ? this.#fill(atMs - this.#lagMs, atMs) : [];
  }

  /** Sound came: undefined when silence has its place already, else the silence that belongs before it. */
  soundAt(atMs: number): readonly SilentFrame[] | undefined {
    if (atMs < this.#filledMs) {
      const lateMs = this.#filledMs - atMs + this.#lagMs;
      this.#lagMs = Math.min(this.#lagMsMax, Math.max(this.#lagMs, lateMs + lagMarginMs));
      if (this.#silence !== undefined && atMs + this.#silence.durationMs / 2 < this.#filledMs) return undefined;
    }
    const hole = this.#endMs !== undefined && atMs - this.#endMs > (this.#hasSound ? holeMs : (this.#silence?.durationMs ?? 0) * 2);
    const frames = hole ? this.#fill(atMs - (this.#silence?.durationMs ?? 0) / 2, atMs) : [];
    this.#hasSound = true;
    this.#endMs = Math.max(this.#endMs ?? 0, atMs + (this.#silence?.durationMs ?? 0));
    return frames;
  }

  #fill(untilMs: number, nowMs: number): readonly SilentFrame[] {
    if (this.#silence === undefined) return [];
    const { body, durationMs } = this.#silence;
    const frames: SilentFrame[] = [];
    let endMs = Math.max(this.#endMs ?? nowMs, nowMs - fillMsMax);
    for (; endMs < untilMs; endMs += durationMs) frames.push({ timestampMs: Math.round(endMs), body });
    this.#endMs = endMs;
    this.#filledMs = endMs;
    this.#hasSound = true;
    return frames;
  }
}
