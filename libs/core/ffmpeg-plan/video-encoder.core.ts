import { valueOf } from './frame-rate.core.ts';
import type { VideoCodec, VideoRendition } from './plan.ts';

/** Speed against quality, fastest last; an encoder that cannot keep up is restarted with the next one. */
export const presets = ['medium', 'fast', 'faster', 'veryfast', 'superfast', 'ultrafast'] as const;
export type Preset = (typeof presets)[number];

/** Who encodes a rung: a kind of graphics processor, by its maker's interface, or the processor itself. */
export const encoderKinds = ['nvenc', 'qsv', 'amf', 'vaapi', 'software'] as const;
export type EncoderKind = (typeof encoderKinds)[number];

/** How one rung is to be encoded. */
export interface VideoEncoding {
  readonly rendition: VideoRendition;
  readonly preset: Preset;
  /** Distance of key frames on the stream's timeline, microseconds. */
  readonly segmentDurationUs: number;
}

interface VideoEncoder {
  /** What ffmpeg calls it, by what it encodes. */
  readonly names: Readonly<Record<VideoCodec, string>>;
  /** Filters that bring a scaled picture to where the encoder reads it. */
  readonly upload: string;
  /** What comes before all inputs. */
  device(path: string): readonly string[];
  /** What only this encoder has, or calls by another name. */
  options(encoding: VideoEncoding): readonly string[];
}

/** Frames that the rate control looks ahead: enough for a smooth bitrate, a sixth of a second of delay. */
const lookaheadFrames = 5;
/** One encoded frame of delay per thread; the rungs run beside each other anyway. */
const threadsPerRung = 2;
const noDevice = (): readonly string[] => [];

const software: VideoEncoder = {
  names: { h264: 'libx264', hevc: 'libx265' },
  upload: 'format=yuv420p',
  device: noDevice,
  options: (encoding) => (encoding.rendition.codec === 'hevc' ? x265Options(encoding) : x264Options(encoding)),
};

function x264Options({ rendition, preset }: VideoEncoding): readonly string[] {
  return [
    ...['-preset', preset, '-profile:v', 'high', '-level:v', levelText(rendition.level), '-pix_fmt', 'yuv420p', '-sc_threshold', '0', '-forced-idr', '1'],
    // 8x8dct and cabac: the fastest preset turns them off, and the codec string must not depend on the preset.
    ...['-x264-params', `open-gop=0:8x8dct=1:cabac=1:rc-lookahead=${lookaheadFrames}:sync-lookahead=0:sliced-threads=0`],
    ...['-threads', `${threadsPerRung}`],
  ];
}

/** Its threads and its level are parameters of its own. Its `info` lines would fill the log. */
function x265Options({ rendition, preset }: VideoEncoding): readonly string[] {
  const parameters = `log-level=warning:level-idc=${rendition.level}:open-gop=0:scenecut=0:rc-lookahead=${lookaheadFrames}:frame-threads=1:pools=${threadsPerRung}`;
  return ['-preset', preset, '-profile:v', 'main', '-pix_fmt', 'yuv420p', '-forced-idr', '1', '-x265-params', parameters];
}

/** What is called by the same name with all makers. */
function profileOf({ rendition }: VideoEncoding, tier: string): readonly string[] {
  return ['-profile:v', ...(rendition.codec === 'hevc' ? ['main', ...(tier === '' ? [] : [tier, 'main'])] : ['high'])];
}

/** H.265 has but one way to code its symbols. */
function coderOf({ rendition }: VideoEncoding): readonly string[] {
  return rendition.codec === 'hevc' ? [] : ['-coder', 'cabac'];
}

const nvencPresets: Readonly<Record<Preset, string>> = { medium: 'p5', fast: 'p4', faster: 'p4', veryfast: 'p3', superfast: 'p2', ultrafast: 'p1' };

/** NVIDIA Video Codec SDK, "Low-latency use cases": tuning `ll`, variable rate, no look-ahead, no reordering; ffmpeg -h encoder=h264_nvenc. */
const nvenc: VideoEncoder = {
  names: { h264: 'h264_nvenc', hevc: 'hevc_nvenc' },
  upload: 'format=yuv420p',
  device: noDevice,
  options: (encoding) => [
    ...[
      '-preset',
      nvencPresets[encoding.preset],
      '-tune',
      'll',
      '-rc',
      'vbr',
      ...profileOf(encoding, '-tier'),
      '-level:v',
      levelText(encoding.rendition.level),
    ],
    ...['-rc-lookahead', '0', '-no-scenecut', '1', '-forced-idr', '1', '-strict_gop', '1', '-zerolatency', '1', '-delay', '0', ...coderOf(encoding)],
  ],
};

const qsvPresets: Readonly<Record<Preset, string>> = {
  medium: 'medium',
  fast: 'fast',
  faster: 'faster',
  veryfast: 'veryfast',
  superfast: 'veryfast',
  ultrafast: 'veryfast',
};

/** Intel oneVPL by ffmpeg's QSV encoders: no look-ahead, one frame in flight, key frames where they are forced and nowhere else. */
const qsv: VideoEncoder = {
  names: { h264: 'h264_qsv', hevc: 'hevc_qsv' },
  upload: 'format=nv12',
  device: noDevice,
  options: (encoding) => [
    ...['-preset', qsvPresets[encoding.preset], ...profileOf(encoding, ''), '-level:v', `${encoding.rendition.level}`],
    ...['-async_depth', '1', '-forced_idr', '1', '-idr_interval', '0'],
    ...(encoding.rendition.codec === 'hevc' ? [] : ['-look_ahead', '0', '-adaptive_i', '0', '-adaptive_b', '0']),
  ],
};

const amfQualities: Readonly<Record<Preset, string>> = {
  medium: 'quality',
  fast: 'balanced',
  faster: 'balanced',
  veryfast: 'speed',
  superfast: 'speed',
  ultrafast: 'speed',
};

/** AMD Advanced Media Framework: `forced_idr` is what puts key frames on the grid; a build without the option fails its trial. */
const amf: VideoEncoder = {
  names: { h264: 'h264_amf', hevc: 'hevc_amf' },
  upload: 'format=nv12',
  device: noDevice,
  options: (encoding) => [
    ...['-usage', 'lowlatency', '-quality', amfQualities[encoding.preset], '-rc', 'vbr_latency'],
    ...[...profileOf(encoding, '-profile_tier'), '-level:v', levelText(encoding.rendition.level), '-forced_idr', '1', ...coderOf(encoding)],
  ],
};

/** VA-API: a picture is forced to be a key frame, and ffmpeg makes that an IDR. */
const vaapi: VideoEncoder = {
  names: { h264: 'h264_vaapi', hevc: 'hevc_vaapi' },
  upload: 'format=nv12,hwupload',
  device: (path) => ['-init_hw_device', `vaapi=gpu:${path}`, '-filter_hw_device', 'gpu'],
  options: (encoding) => [
    ...['-rc_mode', 'VBR', ...profileOf(encoding, '-tier'), '-level:v', levelText(encoding.rendition.level)],
    ...['-async_depth', '1', '-idr_interval', '0', ...coderOf(encoding)],
  ],
};

const encoders: Readonly<Record<EncoderKind, VideoEncoder>> = { nvenc, qsv, amf, vaapi, software };

/** What ffmpeg calls the encoder of a kind. */
export function encoderName(kind: EncoderKind, codec: VideoCodec): string {
  return encoders[kind].names[codec];
}

/** Where VA-API finds its graphics processor unless it is told otherwise. */
export const defaultVaapiDevice = '/dev/dri/renderD128';

/** Options that come before all inputs, for all encoders of one ffmpeg. */
export function deviceArguments(kinds: ReadonlySet<EncoderKind>, vaapiDevice: string): readonly string[] {
  return [...kinds].flatMap((kind) => encoders[kind].device(vaapiDevice));
}

/** Filters between a scaled picture and its encoder. */
export function uploadFilters(kind: EncoderKind): string {
  return encoders[kind].upload;
}

/** The encoder's own part of a rung: rate, group of pictures and what its maker calls the rest. Key frames come where they are forced, as IDR. */
export function videoEncoderArguments(kind: EncoderKind, encoding: VideoEncoding): readonly string[] {
  const { bitrate, codec, frameRate } = encoding.rendition;
  // Twice the grid: a key frame of the encoder's own never comes before the forced one.
  const groupFrames = Math.ceil((2 * valueOf(frameRate) * encoding.segmentDurationUs) / 1_000_000);
  const { names, options } = encoders[kind];
  return [
    ...[
      '-c:v',
      names[codec],
      ...(codec === 'hevc' ? ['-tag:v', 'hvc1'] : []),
      '-b:v',
      `${bitrate}`,
      '-maxrate',
      `${Math.round(bitrate * 1.1)}`,
      '-bufsize',
      `${Math.round(bitrate / 2)}`,
    ],
    ...['-bf', '0', '-g', `${groupFrames}`, ...options(encoding)],
  ];
}

/** Not below the least that hardware takes. */
const trialRendition: VideoRendition = {
  kind: 'video',
  name: 'trial',
  codecs: 'avc1.64001e',
  bandwidth: 700_000,
  width: 320,
  height: 180,
  frameRate: { numerator: 30, denominator: 1 },
  bitrate: 500_000,
  codec: 'h264',
  level: 30,
};

/**
 * The argv of an ffmpeg that encodes half a second exactly as live streams will need it, to standard output as fragmented
 * MP4: an encoder that is listed may still not work on this machine.
 */
export function trialArguments(kind: EncoderKind, codec: VideoCodec, vaapiDevice: string): readonly string[] {
  const picture = `testsrc2=size=${trialRendition.width}x${trialRendition.height}:rate=30:duration=0.5`;
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', ...deviceArguments(new Set([kind]), vaapiDevice)],
    ...['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', 'sine=duration=0.5', '-vf', uploadFilters(kind)],
    ...videoEncoderArguments(kind, { rendition: { ...trialRendition, codec }, preset: 'veryfast', segmentDurationUs: 2_000_000 }),
    ...['-force_key_frames', 'expr:gte(t,n_forced*0.2)', '-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov+default_base_moof+cmaf', '-f', 'mp4', 'pipe:1'],
  ];
}

function levelText(level: number): string {
  return `${Math.floor(level / 10)}.${level % 10}`;
}
