import { carriedBandwidth, carriedSoundUnknown, encodedSoundBandwidth } from '#core/ffmpeg-plan';
import type { ReadRow } from '#ports';
import type { Segment } from './segment-rows.ts';
import type { StreamWindow } from './stream-window.ts';

/** Sounds are made at multiples of this, and their boxes come on top: what is measured lies within a step, and stays the same while the window moves. */
const stepBits = 8000;
/** Further tracks are named after their number. */
const furtherSound = /^audio-[1-9]\d*$/;
/** What a live window must have of a rendition before it tells for certain what that takes: a stream may begin with a title or in black. */
const measuredUsMin = 20_000_000;
/** The picture of a live stream may get harder than it was. */
const headroom = 1.2;
/** What was seen of it may be a title, or black. */
const unsureHeadroom = 2;
/** Preferred numbers (ISO 3, R10), each some 25 % above the one before: what is told changes by a step, when the peak does by a step. */
const preferred = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8, 10];

/** Of several sounds one that is not the first. */
export function isFurtherSound({ kind, name }: ReadRow): boolean {
  return kind === 'audio' && furtherSound.test(String(name));
}

/**
 * A rendition of a window, with what it takes there on average; one that is carried also with its peak (RFC 8216bis section
 * 4.4.6.2): publishers hardly ever say what they send, and a configured rate says nothing of it. What is encoded here keeps the bound
 * that its encoder is held to. Live pictures have some headroom, and are told in wide steps, so that who begins to watch now and who
 * did so before know nearly the same. A window with little in it is measured with more headroom, and raises what its publisher said.
 */
export function measured(window: StreamWindow, row: ReadRow): ReadRow {
  const { stream, isWhole } = window;
  const { durationUs, peak, average } = measure(window.segments(String(row['name'])), Number(stream['segment_duration_ms']) * 1000);
  const isEnough = peak > 0 && (isWhole || durationUs >= measuredUsMin);
  const told = bandwidthOf(stream, row, { peak, isWhole, isEnough });
  const known = { ...row, bandwidth: told };
  return isEnough ? { ...known, average_bandwidth: Math.min(told, inTwoDigits(average)) } : known;
}

interface Taken {
  readonly peak: number;
  readonly isWhole: boolean;
  readonly isEnough: boolean;
}

function bandwidthOf(stream: ReadRow, row: ReadRow, taken: Taken): number {
  const packaged = Number(row['bandwidth']);
  if (taken.peak === 0) return packaged;
  if (row['kind'] === 'audio') return isFurtherSound(row) || isCarriedSound(stream, row) ? soundBandwidth(row, taken) : packaged;
  return isCarriedPicture(stream, row) ? pictureBandwidth(stream, row, taken) : packaged;
}

/** Sounds hardly change, and of a further one nothing is known before. */
function soundBandwidth(row: ReadRow, { peak, isEnough }: Taken): number {
  if (isEnough || isFurtherSound(row)) return inSteps(peak);
  const packaged = Number(row['bandwidth']);
  return packaged === carriedBandwidth(carriedSoundUnknown) ? inSteps(peak * unsureHeadroom) : Math.max(packaged, inSteps(peak));
}

/** @param taken above zero */
function pictureBandwidth(stream: ReadRow, row: ReadRow, { peak, isWhole, isEnough }: Taken): number {
  if (isWhole) return inTwoDigits(peak);
  const least = preferredAbove(peak * headroom);
  if (isEnough) return least;
  const packaged = Number(row['bandwidth']);
  const { videoBitrate } = rungOf(stream, row) ?? {};
  // The publisher said nothing: what the rung is set to is hardly what it sends.
  const isGuess = videoBitrate !== undefined && packaged === carriedBandwidth(videoBitrate);
  return Math.max(least, isGuess ? Math.min(packaged, preferredAbove(peak * unsureHeadroom)) : packaged);
}

/** An encoder's sound has what the stream's settings make of it; what is carried has what its publisher said, or nothing that fits. */
function isCarriedSound(stream: ReadRow, row: ReadRow): boolean {
  const asked = stream['audio_bitrate'];
  return typeof asked === 'number' && Number(row['bandwidth']) !== encodedSoundBandwidth(asked);
}

interface LadderRung {
  readonly name: string;
  readonly videoBitrate?: number;
  readonly passThrough?: boolean;
}

function ladderOf({ ladder }: ReadRow): readonly LadderRung[] {
  return Array.isArray(ladder) ? (ladder as readonly LadderRung[]) : [];
}

function rungOf(stream: ReadRow, { name }: ReadRow): LadderRung | undefined {
  return ladderOf(stream).find((one) => one.name === name);
}

/** A picture under the name of a rung that the source stands for, or of none: that of a publisher which sends its own ladder. */
function isCarriedPicture(stream: ReadRow, row: ReadRow): boolean {
  const rung = rungOf(stream, row);
  return rung === undefined ? ladderOf(stream).length > 0 : rung.passThrough === true;
}

/** The peak is that of any segments one behind the other which last half to one and a half times as long as was asked for together. */
function measure(segments: readonly Segment[], askedUs: number): { readonly durationUs: number; readonly peak: number; readonly average: number } {
  let [peak, bytes, durationUs] = [0, 0, 0];
  for (const [at, { sizeBytes, durationUs: lasts }] of segments.entries()) {
    bytes += sizeBytes;
    durationUs += lasts;
    peak = Math.max(peak, peakFrom(segments, at, askedUs));
  }
  return { durationUs, peak, average: durationUs === 0 ? 0 : (bytes * 8_000_000) / durationUs };
}

function peakFrom(segments: readonly Segment[], first: number, askedUs: number): number {
  let [peak, bytes, durationUs] = [0, 0, 0];
  for (let at = first; at < segments.length; at++) {
    const { mediaSequence, sizeBytes, durationUs: lasts } = segments[at] as Segment;
    const follows = at === first || mediaSequence === (segments[at - 1] as Segment).mediaSequence + 1;
    bytes += sizeBytes;
    durationUs += lasts;
    if (!follows || durationUs > askedUs * 1.5) break;
    if (durationUs >= askedUs * 0.5) peak = Math.max(peak, (bytes * 8_000_000) / durationUs);
  }
  return peak;
}

function inSteps(bits: number): number {
  return Math.ceil(bits / stepBits) * stepBits;
}

function inTwoDigits(bits: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(bits)) - 1);
  return Math.ceil(bits / unit) * unit;
}

function preferredAbove(bits: number): number {
  const unit = 10 ** Math.floor(Math.log10(bits));
  return Math.round((preferred.find((one) => one * unit >= bits) ?? 10) * unit);
}
