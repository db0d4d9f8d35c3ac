import { constantRate, valueOf } from './frame-rate.core.ts';
import { codecsOf, levelOf } from './video-level.core.ts';
import type { AudioRendition, Ladder, PlannedRendition, Rung, SourceInfo, SourceVideo, VideoRendition } from './plan.ts';

export interface LadderInput {
  readonly source: SourceInfo;
  readonly ladder: Ladder;
  /**
   * Video renditions that the stream already has. Players may be on any of them, so a later session makes exactly
   * these again, however small its picture is; none for a stream that has no segments yet.
   */
  readonly established: readonly string[];
}

/**
 * Peak over average within a segment: the encoder may spend 1.1 times the bitrate plus half a second's worth of buffer
 * (see the encoder's arguments), which is 1.35 in a segment of 2 s; the rest is the container.
 */
const peakFactor = 1.4;
const audioPeakFactor = 1.15;
/** Below it no picture is worth looking at. */
const bitrateLeast = 200_000;

/**
 * The renditions of a session, best first, audio last. No rung is scaled up: a rung higher than the source is left out,
 * except the smallest such rung where the source lies well above the next one, which is then made in the source's size.
 */
export function planRenditions({ source, ladder, established }: LadderInput): readonly PlannedRendition[] {
  const { video, audio } = source;
  const rungs = video === undefined ? [] : chosenRungs(video, ladder.rungs, established);
  const videos = video === undefined ? [] : rungs.map((rung) => videoRendition(video, rung));
  if (audio === undefined) return videos;
  return [...videos, audioRendition(ladder, rungs)];
}

function chosenRungs(video: SourceVideo, asked: readonly Rung[], established: readonly string[]): readonly Rung[] {
  const rungs = unique(asked);
  if (established.length > 0) return establishedRungs(video, rungs, established);
  // Each codec is a ladder of its own: not every player knows both. What everybody plays comes first at each height.
  const ladders = [rungs.filter(({ codec }) => codec !== 'hevc'), rungs.filter(({ codec }) => codec === 'hevc')];
  const chosen = ladders.filter(({ length }) => length > 0).flatMap((ladder) => rungsFor(video, ladder));
  return chosen.length > 0 ? chosen.toSorted(byHeight) : [sourceRung(video)];
}

const byHeight = (a: Rung, b: Rung): number => b.height - a.height;

function rungsFor(video: SourceVideo, ladder: readonly Rung[]): readonly Rung[] {
  const rungs = ladder.toSorted(byHeight);
  const lines = Math.min(video.width, video.height);
  const source = rungs.findLast((rung) => isSource(video, rung));
  // What is as high as the source would be the source again, and worse.
  if (source !== undefined) return [source, ...rungs.filter(({ height, passThrough }) => passThrough !== true && height < lines)];
  const below = rungs.filter(({ height }) => height <= lines);
  const above = rungs.filter(({ height }) => height > lines).at(-1);
  const best = below[0]?.height ?? 0;
  // 10 %: a 700 line source would lose visibly as 480p, a 486 line source would not.
  if (above !== undefined && lines > best * 1.1) return [above, ...below];
  return below.length > 0 ? below : [sourceRung(video)];
}

/** A rung that the source can stand for. */
function isSource({ width, height }: SourceVideo, rung: Rung): boolean {
  return rung.passThrough === true && rung.height >= Math.min(width, height);
}

function establishedRungs(video: SourceVideo, rungs: readonly Rung[], established: readonly string[]): readonly Rung[] {
  return established.map((name) => rungs.find((rung) => rung.name === name) ?? { ...sourceRung(inLines(video, name)), name });
}

/** A rendition that was named by its lines, as tracks of a publisher's ladder are. */
function inLines(video: SourceVideo, name: string): SourceVideo {
  const lines = /^(\d{2,4})p/.exec(name)?.[1];
  return lines === undefined ? video : { ...video, ...scaledSize(video, Number(lines)) };
}

function unique(rungs: readonly Rung[]): Rung[] {
  return rungs.filter(({ name }, index) => rungs.findIndex((other) => other.name === name) === index);
}

/** A stream without a ladder is encoded once, in the source's size, at about 0.08 bits a pixel. */
function sourceRung({ width, height, frameRate }: SourceVideo): Rung {
  const perSecond = width * height * valueOf(constantRate(frameRate));
  return { name: 'source', height: Math.min(width, height), videoBitrate: Math.max(bitrateLeast, Math.round((perSecond * 0.08) / 1000) * 1000) };
}

function videoRendition(video: SourceVideo, rung: Rung): VideoRendition {
  const { width, height } = scaledSize(video, rung.height);
  const frameRate = constantRate(video.frameRate);
  const bandwidth = Math.ceil(rung.videoBitrate * peakFactor);
  const { codec = 'h264' } = rung;
  const level = levelOf(codec, { width, height, framesPerSecond: valueOf(frameRate), bitrate: bandwidth });
  const encoded = { codecs: codecsOf(codec, level), bandwidth, width, height, frameRate, bitrate: rung.videoBitrate, codec, level };
  return { kind: 'video', name: rung.name, ...encoded, ...(isSource(video, rung) ? { passThrough: true } : {}) };
}

/** H.264 is hardly better with more, and no good with less, bits a pixel. */
const bitsPerPixelMost = 0.15;
const bitsPerPixelLeast = 0.05;
/** An encoder in front of ours has made its losses: ours needs more for the same picture. */
const againFactor = 1.5;

/**
 * A rendition that stands for the source but is encoded: at no more than the size of its picture warrants, and not far above what
 * the source takes. A source that sends next to nothing may show black for a moment: that alone does not bound it.
 * @param sentBitrate what it was found to send, bits per second, where that is known
 */
export function boundBySource(rendition: VideoRendition, { bitrate: told = 0 }: SourceVideo, sentBitrate: number | undefined): VideoRendition {
  const { width, height, frameRate, codec } = rendition;
  const pixels = width * height * valueOf(frameRate);
  const warranted = (bits: number): number => Math.max(bitrateLeast, pixels * bits);
  const sent = sentBitrate === undefined ? Number.POSITIVE_INFINITY : Math.max(sentBitrate * againFactor, told, warranted(bitsPerPixelLeast));
  const bitrate = Math.round(Math.min(rendition.bitrate, sent, warranted(bitsPerPixelMost)) / 1000) * 1000;
  if (bitrate >= rendition.bitrate) return rendition;
  const bandwidth = Math.ceil(bitrate * peakFactor);
  const level = levelOf(codec, { width, height, framesPerSecond: valueOf(frameRate), bitrate: bandwidth });
  return { ...rendition, bitrate, bandwidth, level, codecs: codecsOf(codec, level) };
}

/** Keeps the aspect ratio with even sides, which 4:2:0 needs, and never exceeds the source. */
export function scaledSize(
  { width, height }: { readonly width: number; readonly height: number },
  lines: number,
): { readonly width: number; readonly height: number } {
  const short = Math.min(lines, width, height);
  const scale = short / Math.min(width, height);
  return { width: even(width * scale), height: even(height * scale) };
}

/** 16 is the least that encoders take. */
function even(length: number): number {
  return Math.max(16, 2 * Math.floor(length / 2 + 1e-6));
}

/** Peak over average within a segment: nobody holds a publisher's encoder to anything. */
const carriedPeakFactor = 1.5;

/** Bits per second that a carried sound is taken for whose publisher does not say what it sends. */
export const carriedSoundUnknown = 160_000;

/** Peak of what is carried as it is, where it is sent at this bitrate. */
export function carriedBandwidth(bitrate: number): number {
  return Math.ceil(bitrate * carriedPeakFactor);
}

/** Peak of a sound that is encoded at this bitrate. */
export function encodedSoundBandwidth(bitrate: number): number {
  return Math.ceil(bitrate * audioPeakFactor);
}

function audioRendition({ audioBitrate }: Ladder, rungs: readonly Rung[]): AudioRendition {
  const name = rungs.some((rung) => rung.name === 'audio') ? 'audio-0' : 'audio';
  return {
    kind: 'audio',
    name,
    codecs: 'mp4a.40.2',
    bandwidth: encodedSoundBandwidth(audioBitrate),
    channels: 2,
    sampleRate: 48_000,
    bitrate: audioBitrate,
  };
}
