import { assert, OperatingError } from '#kernel';

/** A time of a hybrid logical clock: close to the wall clock, and later than everything that it has heard of. */
export interface HlcTime {
  /** The greatest wall-clock time heard of, ms since the Unix epoch. */
  readonly ms: number;
  /** Tells apart what happened within one `ms`, 0 to {@link hlcCounterMax}. */
  readonly counter: number;
}

export const hlcCounterMax = 0xffff;
const msMax = 2 ** 48 - 1;

/** A clock that has heard of nothing. */
export const hlcStart: HlcTime = { ms: 0, counter: 0 };

export function compareHlc(a: HlcTime, b: HlcTime): number {
  return a.ms - b.ms || a.counter - b.counter;
}

/**
 * The time of a local event, greater than `last` (Kulkarni, Demirbas et al., "Logical Physical Clocks", 2014, figure 5).
 * Keep what is returned as the next `last`, over restarts too: a wall clock that was set back would repeat times.
 */
export function hlcTick(last: HlcTime, nowMs: number): HlcTime {
  assert(Number.isInteger(nowMs) && nowMs >= 0 && nowMs <= msMax, `${nowMs} is no time in ms`);
  return nowMs > last.ms ? { ms: nowMs, counter: 0 } : after(last);
}

/**
 * The time of receiving a message that was sent at `remote`: greater than both. One clock that is far ahead must not carry
 * everybody's away with it, so a message from further ahead than `driftMsMax` is refused and nothing is learned from it.
 * @throws OperatingError `HLC_DRIFT`
 */
export function hlcReceive(last: HlcTime, remote: HlcTime, nowMs: number, driftMsMax: number): HlcTime {
  if (remote.ms - nowMs > driftMsMax) {
    throw new OperatingError(`A clock is ${remote.ms - nowMs} ms ahead of ours; at most ${driftMsMax} ms are taken.`, { code: 'HLC_DRIFT', retryable: false });
  }
  return hlcTick(compareHlc(last, remote) >= 0 ? last : remote, nowMs);
}

/** A counter that is full carries: the clock runs ahead by a millisecond rather than stand still. */
function after({ ms, counter }: HlcTime): HlcTime {
  return counter < hlcCounterMax ? { ms, counter: counter + 1 } : { ms: ms + 1, counter: 0 };
}

const shape = /^([0-9a-f]{12})([0-9a-f]{4})-(.+)$/su;

/**
 * A time with its origin as text that sorts by time, then by origin: 12 and 4 hexadecimal digits, `-`, the origin. It
 * orders the writes of a `hlc` column over all origins, provided that an origin gives each time once.
 */
export function hlcText({ ms, counter }: HlcTime, origin: string): string {
  assert(origin !== '', 'a time comes from somewhere');
  return `${ms.toString(16).padStart(12, '0')}${counter.toString(16).padStart(4, '0')}-${origin}`;
}

/** The parts of {@link hlcText}; undefined for any other text. */
export function parseHlc(text: string): { readonly time: HlcTime; readonly origin: string } | undefined {
  const [, ms, counter, origin] = shape.exec(text) ?? [];
  if (ms === undefined || counter === undefined || origin === undefined) return undefined;
  return { time: { ms: Number.parseInt(ms, 16), counter: Number.parseInt(counter, 16) }, origin };
}
