import type { Millis } from '#kernel';
import { DriftGauge } from './drift-gauge.core.ts';
import type { Track } from './track.ts';

/** Greatest step that counts as the same timeline: forward as long as a publisher may stall, back as far as encoders jitter. */
const forwardMsMax = 10_000;
const backwardMsMax = 1_000;
/** What comes first after a pause may have been on its way for less long than what came last before it, ms. */
const stalledSlackMs = 500;
/** A step that no jump can be meant by: less back than the least jump, and no longer forward than frames lie apart. */
const smoothMsMax = backwardMsMax;
const smoothBackMsMax = backwardMsMax / 2;
/** What a step over a break is taken to last, ms. */
const breakStepMs = 20;
/** Drift is taken back a millisecond at a time, and no faster than clocks of encoders drift apart: 500 parts in a million. */
const slewEveryMs = 2_000;

interface TrackClock {
  /** The peer's timestamp without the wrap at 2^32. */
  raw: number;
  /** Last value given out. */
  out: number;
  offset: number;
  /** Where the track stood when the other jumped and it had not yet; undefined when it has, or goes on as if nothing had been. */
  leftAt: number | undefined;
}

/** How often the publisher's times were not taken as they came. */
export interface TimelineCorrections {
  /** The 32-bit clock began anew. */
  wraps: number;
  /** Gaps that were closed: the clock went forward, or back, by more than a publisher may stall or jitter. */
  jumpsForward: number;
  jumpsBack: number;
  /** Times behind the one before on their track, which were held at it. */
  backSteps: number;
  /** Milliseconds by which the sound was moved, because its clock runs apart from the picture's. */
  driftMs: number;
}

/**
 * Maps a publisher's timestamps to milliseconds since its session began: unwrapped (32 bits last 49.7 days), never going
 * back within a track, and continuous where the publisher jumps. When one track jumps, the other follows by the same
 * amount, so that they stay together. A track that paused, however long, and comes back where the other is by then has not
 * jumped; nor have both where as much time went by in which nothing came. Where the clocks of sound and picture run apart the sound follows the picture.
 */
export class Timeline {
  readonly #clocks: Partial<Record<Track, TrackClock>> = {};
  readonly #corrections: TimelineCorrections = { wraps: 0, jumpsForward: 0, jumpsBack: 0, backSteps: 0, driftMs: 0 };
  readonly #drift = new DriftGauge();
  /** Left to take back of the sound's drift, ms; below zero where it runs ahead. */
  #slewMs = 0;
  #slewAt = 0;
  /** When the newest frame came. */
  #heardAt: Millis | undefined;

  get corrections(): Readonly<TimelineCorrections> {
    return this.#corrections;
  }

  /** The latest time given out on any track. */
  get latestMs(): number {
    return Math.max(this.#clocks.audio?.out ?? 0, this.#clocks.video?.out ?? 0);
  }

  /** Where something beside the media stands that carries the publisher's timestamp; moves nothing. */
  timeOf(timestamp: number): number {
    const clock = this.#clocks.video ?? this.#clocks.audio;
    const at = clock === undefined ? 0 : unwrap(clock.raw, timestamp) + clock.offset;
    // A timestamp that has nothing to do with the media's: now.
    return clock !== undefined && continues(at, this.latestMs) ? Math.max(0, at) : this.latestMs;
  }

  /**
   * Where a frame of a further track stands, which goes by the clock of the first of its kind: the publisher has one clock for
   * both. Undefined while there is none, and for a time that is not the session's: nobody has jumped there yet.
   */
  beside(track: Track, timestamp: number): number | undefined {
    const clock = this.#clocks[track];
    if (clock === undefined) return undefined;
    const raw = unwrap(clock.raw, timestamp);
    const isNow = (at: number): boolean => at >= 0 && (isNear(at, clock.out) || isNear(at, this.latestMs));
    if (isNow(raw + clock.offset)) return raw + clock.offset;
    const jumped = clock.leftAt === undefined ? undefined : this.#clocks[otherOf(track)];
    return jumped !== undefined && isNow(raw + jumped.offset) ? raw + jumped.offset : undefined;
  }

  /** @param now when the frame came */
  map(track: Track, timestamp: number, now: Millis): number {
    const other = this.#clocks[otherOf(track)];
    const clock = (this.#clocks[track] ??= firstClock(timestamp, other));
    const stalledMs = now - (this.#heardAt ?? now) + stalledSlackMs;
    this.#heardAt = now;
    const raw = unwrap(clock.raw, timestamp);
    if (Math.floor(raw / 0x100000000) > Math.floor(clock.raw / 0x100000000)) this.#corrections.wraps += 1;
    clock.raw = raw;
    if (isSmooth(raw + clock.offset - clock.out) && !hasPaused(clock, other)) settle(clock);
    else this.#place(clock, other, Math.max(forwardMsMax, stalledMs));
    if (track === 'audio' && this.#slewMs !== 0) this.#slew(clock);
    if (raw + clock.offset < clock.out) this.#corrections.backSteps += 1;
    clock.out = Math.max(raw + clock.offset, clock.out);
    this.#slewMs = this.#drift.measure(track, clock.out, now) ?? this.#slewMs;
    return clock.out;
  }

  #slew(clock: TrackClock): void {
    if (Math.abs(clock.out - this.#slewAt) < slewEveryMs) return;
    const step = Math.sign(this.#slewMs);
    this.#slewAt = clock.out;
    this.#slewMs -= step;
    clock.offset += step;
    this.#corrections.driftMs += 1;
  }

  /** A step that is no common one: a pause, the other's jump that is followed, or a jump. */
  #place(clock: TrackClock, other: TrackClock | undefined, pauseMsMax: number): void {
    const own = clock.raw + clock.offset;
    const isPause = fits(own, clock, other, pauseMsMax);
    if (other !== undefined) {
      const followed = clock.raw + other.offset;
      // Both may fit when the jump is not much longer than a pause: the one that keeps the tracks together is right.
      const isNearer = clock.leftAt !== undefined && Math.abs(followed - other.out) < Math.abs(own - other.out);
      if ((isNearer || !isPause) && fits(followed, clock, other)) return this.#anchor(clock, other.offset);
    }
    if (isPause) return settle(clock);
    if (own > clock.out) this.#corrections.jumpsForward += 1;
    else this.#corrections.jumpsBack += 1;
    // Behind the other by more than it could follow: then the track had paused, and comes back to where the session is.
    const from = other !== undefined && other.out - clock.out > backwardMsMax ? other.out : clock.out;
    this.#anchor(clock, from + breakStepMs - clock.raw);
    if (other !== undefined) other.leftAt = other.out;
  }

  #anchor(clock: TrackClock, offset: number): void {
    this.#drift.restart();
    this.#slewMs = 0;
    clock.offset = offset;
    clock.leftAt = undefined;
  }
}

/** Away while the other jumped: a step that looks like none may be a pause and the other's jump, which made up for it. */
function hasPaused({ leftAt, out }: TrackClock, other: TrackClock | undefined): boolean {
  return leftAt !== undefined && other !== undefined && other.out - out > smoothMsMax;
}

function otherOf(track: Track): Track {
  return track === 'audio' ? 'video' : 'audio';
}

function firstClock(timestamp: number, other: TrackClock | undefined): TrackClock {
  if (other === undefined) return { raw: timestamp, out: 0, offset: -timestamp, leftAt: undefined };
  return { raw: unwrap(other.raw, timestamp), out: Math.max(0, other.out - backwardMsMax), offset: other.offset, leftAt: undefined };
}

/** Who goes on for long after the other's jump does not follow it: their clocks are no longer one. */
function settle(clock: TrackClock): void {
  if (clock.leftAt !== undefined && clock.out - clock.leftAt > forwardMsMax) clock.leftAt = undefined;
}

/** Goes on from the track's last time, or comes back to where the other track is by now. */
function fits(at: number, clock: TrackClock, other: TrackClock | undefined, pauseMsMax = forwardMsMax): boolean {
  return continues(at, clock.out, pauseMsMax) || (other !== undefined && at > clock.out && isNear(at, other.out));
}

function isNear(at: number, ms: number): boolean {
  return Math.abs(at - ms) <= forwardMsMax;
}

function isSmooth(stepMs: number): boolean {
  return stepMs >= -smoothBackMsMax && stepMs <= smoothMsMax;
}

function unwrap(raw: number, timestamp: number): number {
  return raw + ((timestamp - (raw % 0x100000000)) | 0);
}

function continues(next: number, last: number, pauseMsMax = forwardMsMax): boolean {
  return next >= last - backwardMsMax && next <= last + pauseMsMax;
}
