import type { Millis } from '#kernel';
import type { Track } from './track.ts';

/** Long enough that in each window some frame of either track came without a delay on its way. */
const windowMs = 60_000;
/** What lip-sync tolerates is 45 ms (ITU-R BT.1359): beyond half of it there is something to do. */
const toleratedMs = 20;

interface Window {
  readonly since: Millis;
  /** Greatest distance of media time before the wall clock: that of the frame that was delayed least. */
  readonly lead: Record<Track, number>;
}

/**
 * Measures how far the clocks of sound and picture have run apart since the second window. Frames are late for many
 * reasons, but never early: the least delayed frame of a window tells where a track's clock stands.
 */
export class DriftGauge {
  #window: Window | undefined;
  #baseline: number | undefined;
  /** Encoders begin with bursts that are ahead of their time, of one track more than of the other. */
  #isSettled = false;

  /** After a break the tracks' distance is what it then is. */
  restart(): void {
    this.#window = undefined;
    this.#baseline = undefined;
    this.#isSettled = false;
  }

  /** By how much the sound has to be moved, ms, when a window has ended and it matters; undefined otherwise. */
  measure(track: Track, mediaMs: number, now: Millis): number | undefined {
    const window = (this.#window ??= { since: now, lead: { audio: -Infinity, video: -Infinity } });
    window.lead[track] = Math.max(window.lead[track], mediaMs - now);
    if (now - window.since < windowMs) return undefined;
    this.#window = undefined;
    const apart = window.lead.video - window.lead.audio;
    // One track alone has nothing to run apart from.
    if (!Number.isFinite(apart)) return undefined;
    const isFirst = !this.#isSettled;
    this.#isSettled = true;
    if (isFirst) return undefined;
    this.#baseline ??= apart;
    const drift = Math.round(apart - this.#baseline);
    return Math.abs(drift) > toleratedMs ? drift : 0;
  }
}
