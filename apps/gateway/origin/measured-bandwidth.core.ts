import { encodedSoundBandwidth } from '#core/ffmpeg-plan';
import type { ReadRow } from '#ports';
import type { Segment } from './segment-rows.ts';
import type { StreamWindow } from './stream-window.ts';

/** Sounds are made at multiples of this, and their boxes come on top: what is measured lies within a step, and stays the same while the window moves. */
const stepBits = 8000;
/** Further tracks are named after their number. */
const furtherSound = /^audio-[1-9]\d*$/;
/** What a live window must have of a rendition before it tells what that takes: a stream may begin with a title or in black. */
const measuredUsMin = 20_000_000;
/** The picture of a live stream may get harder than it was. */
const headroom = 1.2;
/** Preferred numbers (ISO 3, R10), each some 25 % above the one before: what is told changes by a step, when the peak does by a step. */
const preferred = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8, 10];

/** Of several sounds one that is not the first. */
export function isFurtherSound({ kind, name }: ReadRow): boolean {
  return kind === 'audio' && furtherSound.test(String(name));
}

/**
 * A rendition of a window, with what it takes there on average; one that is carried also with its peak, over segments of half the
 * length that was asked for at least (RFC 8216bis section 4.4.6.2): publishers hardly ever say what they send, and a configured rate
 * says nothing of it. What is encoded here keeps the bound that its encoder is held to. Live pictures have some headroom, and are
 * told in wide steps, so that who begins to watch now and who did so before know nearly the same. What has too little in the window
 * to be measured keeps what its packager took it for.
 */
export function measured(window: StreamWindow, row: ReadRow): ReadRow {
  const { stream, isWhole } = window;
  const { durationUs, peak, average } = measure(window.segments(String(row['name'])), Number(stream['segment_duration_ms']) * 500);
  const isEnough = peak > 0 && (isWhole || durationUs >= measuredUsMin);
  const told = bandwidthOf(stream, row, { peak, isWhole, isEnough });
  const known = { ...row, bandwidth: told };
  return isEnough ? { ...known, average_bandwidth: Math.min(told, inTwoDigits(average)) } : known;
}

function bandwidthOf(stream: ReadRow, row: ReadRow, { peak, isWhole, isEnough }: { peak: number; isWhole: boolean; isEnough: boolean }): number {
  const packaged = Number(row['bandwidth']);
  // Sounds hardly change, and of a further one nothing is known before.
  if (row['kind'] === 'audio') {
    const isMeasured = isFurtherSound(row) ? peak > 0 : isEnough && isCarriedSound(stream, row);
    return isMeasured ? Math.ceil(peak / stepBits) * stepBits : packaged;
  }
  if (!isEnough || !isCarriedPicture(stream, row)) return packaged;
  return isWhole ? inTwoDigits(peak) : preferredAbove(peak * headroom);
}

/** An encoder's sound has what the stream's settings make of it; what is carried has what its publisher said, or nothing that fits. */
function isCarriedSound(stream: ReadRow, row: ReadRow): boolean {
  const asked = stream['audio_bitrate'];
  return typeof asked === 'number' && Number(row['bandwidth']) !== encodedSoundBandwidth(asked);
}

/** A picture under the name of a rung that the source stands for, or of none: that of a publisher which sends its own ladder. */
function isCarriedPicture(stream: ReadRow, { name }: ReadRow): boolean {
  const ladder = stream['ladder'] as ReadonlyArray<{ readonly name: string; readonly passThrough?: boolean }> | null | undefined;
  if (!Array.isArray(ladder) || ladder.length === 0) return false;
  const rung = ladder.find((one: { readonly name: string }) => one.name === name) as { readonly passThrough?: boolean } | undefined;
  return rung === undefined || rung.passThrough === true;
}

/** @param leastUs shorter ones are not one of the peak */
function measure(segments: readonly Segment[], leastUs: number): { readonly durationUs: number; readonly peak: number; readonly average: number } {
  let [peak, bytes, durationUs] = [0, 0, 0];
  for (const segment of segments) {
    bytes += segment.sizeBytes;
    durationUs += segment.durationUs;
    if (segment.durationUs >= leastUs) peak = Math.max(peak, (segment.sizeBytes * 8_000_000) / segment.durationUs);
  }
  return { durationUs, peak, average: durationUs === 0 ? 0 : (bytes * 8_000_000) / durationUs };
}

function inTwoDigits(bits: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(bits)) - 1);
  return Math.ceil(bits / unit) * unit;
}

function preferredAbove(bits: number): number {
  const unit = 10 ** Math.floor(Math.log10(bits));
  return Math.round((preferred.find((one) => one * unit >= bits) ?? 10) * unit);
}
