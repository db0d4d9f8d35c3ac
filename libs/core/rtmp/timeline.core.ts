export type Track = 'audio' | 'video';

/** Greatest step that counts as the same timeline: forward as long as a publisher may stall, back as far as encoders jitter. */
const forwardMsMax = 10_000;
const backwardMsMax = 1_000;
/** What a step over a break is taken to last, ms. */
const breakStepMs = 20;

interface TrackClock {
  /** The peer's timestamp without the wrap at 2^32. */
  raw: number;
  /** Last value given out. */
  out: number;
  offset: number;
}

/**
 * Maps a publisher's timestamps to milliseconds since its session began: unwrapped (32 bits last 49.7 days), never going
 * back within a track, and continuous where the publisher jumps. When one track jumps, the other follows by the same
 * amount, so that they stay together.
 */
export class Timeline {
  readonly #clocks: Partial<Record<Track, TrackClock>> = {};
  #jumps = 0;

  /** How often the publisher's clock jumped. */
  get jumps(): number {
    return this.#jumps;
  }

  /** The latest time given out on any track. */
  get latestMs(): number {
    return Math.max(this.#clocks.audio?.out ?? 0, this.#clocks.video?.out ?? 0);
  }

  map(track: Track, timestamp: number): number {
    const other = this.#clocks[track === 'audio' ? 'video' : 'audio'];
    const clock = (this.#clocks[track] ??= firstClock(timestamp, other));
    clock.raw = unwrap(clock.raw, timestamp);
    if (!continues(clock.raw + clock.offset, clock.out)) this.#reanchor(clock, other);
    clock.out = Math.max(clock.raw + clock.offset, clock.out);
    return clock.out;
  }

  #reanchor(clock: TrackClock, other: TrackClock | undefined): void {
    if (other !== undefined && continues(clock.raw + other.offset, clock.out)) {
      clock.offset = other.offset;
      return;
    }
    this.#jumps += 1;
    clock.offset = clock.out + breakStepMs - clock.raw;
  }
}

function firstClock(timestamp: number, other: TrackClock | undefined): TrackClock {
  if (other === undefined) return { raw: timestamp, out: 0, offset: -timestamp };
  return { raw: unwrap(other.raw, timestamp), out: Math.max(0, other.out - backwardMsMax), offset: other.offset };
}

function unwrap(raw: number, timestamp: number): number {
  return raw + ((timestamp - (raw % 0x100000000)) | 0);
}

function continues(next: number, last: number): boolean {
  return next >= last - backwardMsMax && next <= last + forwardMsMax;
}
