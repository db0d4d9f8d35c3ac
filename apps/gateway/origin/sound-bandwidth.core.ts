import type { ReadRow } from '#ports';
import type { StreamWindow } from './stream-window.ts';

/** Sounds are made at multiples of this, and their boxes come on top: what is measured lies within a step, and stays the same while the window moves. */
const stepBits = 8000;
/** Further tracks are named after their number. */
const furtherSound = /^audio-[1-9]\d*$/;

/** Of several sounds one that is not the first. */
export function isFurtherSound({ kind, name }: ReadRow): boolean {
  return kind === 'audio' && furtherSound.test(String(name));
}

/**
 * A rendition of a window; a further sound with the bandwidth that it has there: such are carried as they come, and publishers
 * hardly ever say what they take. It is the peak over segments of half the length that was asked for at least (RFC 8216bis
 * section 4.4.6.2). A sound that has none in the window keeps what its packager took it for.
 */
export function measuredSound(window: StreamWindow, row: ReadRow): ReadRow {
  if (!isFurtherSound(row)) return row;
  const name = String(row['name']);
  const leastUs = Number(window.stream['segment_duration_ms']) * 500;
  let peak = 0;
  for (const { sizeBytes, durationUs } of window.segments(name)) if (durationUs >= leastUs) peak = Math.max(peak, (sizeBytes * 8_000_000) / durationUs);
  return peak === 0 ? row : { ...row, bandwidth: Math.ceil(peak / stepBits) * stepBits };
}
