import type { Millis } from '#kernel';
import { RtmpError } from './errors.ts';
import type { Track } from './track.ts';

/** Frames of so long a time may have times that stand still, by the clock on the wall. */
const stillMsMax = 5000;
/** So many of them: a publisher on a line that hardly carries anything sends few. */
const framesMin = 100;
/** Times that have gone on by so much, or back, do not stand still, ms. */
const movedMs = 250;

interface Watched {
  readonly since: Millis;
  readonly fromMs: number;
  frames: number;
}

/** Notices a publisher whose frames come and whose timestamps do not move: nobody could tell when to show them. Pure. */
export class StillClock {
  readonly #watched: Partial<Record<Track, Watched>> = {};

  /**
   * @param timestamp of a frame, as it came
   * @param now when it came
   * @throws RtmpError `RTMP_CLOCK_STILL`
   */
  look(track: Track, timestamp: number, now: Millis): void {
    const watched = this.#watched[track];
    if (watched === undefined || Math.abs(timestamp - watched.fromMs) >= movedMs) {
      this.#watched[track] = { since: now, fromMs: timestamp, frames: 0 };
      return;
    }
    watched.frames += 1;
    const waitedMs = now - watched.since;
    if (waitedMs < stillMsMax || watched.frames < framesMin) return;
    const went = Math.abs(timestamp - watched.fromMs);
    throw new RtmpError(
      'RTMP_CLOCK_STILL',
      `The timestamps of the ${track} moved by ${went} ms while ${watched.frames} frames came in ${(waitedMs / 1000).toFixed(1)} s: the publisher's clock stands still.`,
    );
  }
}
