import type { CaptionBlock, CaptionCue } from './cue.ts';

/** What a WebVTT segment has in it. */
export interface CaptionSegment {
  /** Of the media segment beside it, microseconds of the stream's timeline. */
  readonly startUs: number;
  /** Times on the stream's timeline. */
  readonly cues: readonly CaptionCue[];
}

/** Transport streams count with 33 bits; fragmented MP4 is compared with the same clock. */
const clockWrap = 2 ** 33;

/**
 * A segment of WebVTT (RFC 8216bis section 3.1.4): cue times are those of the stream's timeline, and X-TIMESTAMP-MAP says what
 * the media's clock shows where it begins.
 * @param originTicks what the media's clock is ahead of the timeline, in 90 kHz
 */
export function renderCaptions({ startUs, cues }: CaptionSegment, originTicks = 0): string {
  const blocks = cues.flatMap((cue) =>
    cue.blocks.map((block) => `\n${stamp(cue.startMs)} --> ${stamp(cue.endMs)} ${settings(block)}\n${block.lines.join('\n')}\n`),
  );
  return `WEBVTT\n${timestampMap(startUs, originTicks)}\n${blocks.join('')}`;
}

function timestampMap(startUs: number, originTicks: number): string {
  const startMs = Math.floor(startUs / 1000);
  return `X-TIMESTAMP-MAP=MPEGTS:${(startMs * 90 + originTicks) % clockWrap},LOCAL:${stamp(startMs)}`;
}

/** Segments of one clock as one. @param texts at least one, in order */
export function joinedCaptions([first = emptyCaptions, ...others]: readonly string[]): string {
  return [first, ...others.map((text) => text.replace(/^WEBVTT\n[^\n]*\n/, ''))].join('');
}

/** For a segment in which nobody says anything. */
export const emptyCaptions = 'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n';

const mapLine = /^X-TIMESTAMP-MAP=MPEGTS:(\d{1,10}),/m;

/** The same segment beside media whose clock is further ahead. */
export function shiftedCaptions(text: string, byTicks: number): string {
  return text.replace(mapLine, (_line, ticks: string) => `X-TIMESTAMP-MAP=MPEGTS:${(Number(ticks) + byTicks) % clockWrap},`);
}

function settings({ topPercent, leftPercent }: CaptionBlock): string {
  return `line:${percent(topPercent)} position:${percent(leftPercent)} align:start size:${percent(100 - leftPercent)}`;
}

function percent(value: number): string {
  return `${Math.round(value * 100) / 100}%`;
}

function stamp(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(whole / 3_600_000), Math.floor(whole / 60_000) % 60, Math.floor(whole / 1000) % 60];
  return `${two(hours)}:${two(minutes)}:${two(seconds)}.${String(whole % 1000).padStart(3, '0')}`;
}
