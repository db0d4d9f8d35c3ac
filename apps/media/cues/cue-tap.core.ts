import { tagType, type FlvTag } from '#core/flv';
import { readCue, type CueReading } from './cue-point.core.ts';

/** A cue and where it stands in the session, ms. */
export interface HeardCue {
  readonly atMs: number;
  /** Tells cues of one moment apart. */
  readonly index: number;
  readonly reading: CueReading;
}

/** So many are kept for whoever tells them. */
const waitingMax = 64;
/** Of a publisher that was kept warm: what lies further back was told of the other one. */
const staleMs = 2000;

/** The cues of a publisher as they arrive. Pure. */
export class CueTap {
  #waiting: HeardCue[] = [];
  #latestMs = 0;
  #lastCueMs = -1;
  #index = 0;

  hear(tags: readonly FlvTag[]): void {
    for (const { type, timestampMs, body } of tags) {
      this.#latestMs = Math.max(this.#latestMs, timestampMs);
      const reading = type === tagType.script ? readCue(body) : undefined;
      if (reading === undefined) continue;
      this.#index = timestampMs === this.#lastCueMs ? this.#index + 1 : 0;
      this.#lastCueMs = timestampMs;
      this.#waiting.push({ atMs: timestampMs, index: this.#index, reading });
    }
    if (this.#waiting.length > waitingMax) this.#waiting = this.#waiting.slice(-waitingMax);
  }

  /** Those that nobody has taken, but for those of long ago. */
  take(): readonly HeardCue[] {
    const cues = this.#waiting.filter(({ atMs }) => atMs >= this.#latestMs - staleMs);
    this.#waiting = [];
    return cues;
  }
}
