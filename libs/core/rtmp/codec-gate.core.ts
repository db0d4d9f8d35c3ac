import { opusConfigOf, parseAacConfig, parseAv1Config, parseAvcConfig, parseFlacConfig, parseHevcConfig, parseOpusConfig, parseVp9Config } from '#core/flv';
import { RtmpError } from './errors.ts';

/** Configuration of a decoder never comes near this; a greater one is an attack or an error. */
const configBytesMax = 16 * 1024;

export interface Codec {
  /** @throws FlvError for a configuration that cannot be. */
  readonly check: (config: Uint8Array) => unknown;
  /** For a codec that can be decoded without one: what stands for a configuration that never comes. */
  readonly config?: Uint8Array;
}

/** Names as in the heads of canonical bodies. */
const video: Readonly<Record<string, Codec>> = {
  avc: { check: parseAvcConfig },
  hvc1: { check: parseHevcConfig },
  av01: { check: parseAv1Config },
  vp09: { check: parseVp9Config },
};

const mp3: Codec = { check: () => undefined, config: new Uint8Array(0) };
const audio: Readonly<Record<string, Codec>> = {
  aac: { check: parseAacConfig },
  // An empty one is allowed: then it is mono or stereo.
  Opus: { check: (config) => config.length > 0 && parseOpusConfig(config), config: opusConfigOf() },
  fLaC: { check: parseFlacConfig },
  mp3,
  '.mp3': mp3,
};

/** FourCCs of what has another name in canonical bodies. */
const aliases = new Map([
  ['avc1', 'avc'],
  ['mp4a', 'aac'],
]);

/** The codec of that name or FourCC, if it can be carried. */
export function findCodec(kind: 'video' | 'audio', name: string): Codec | undefined {
  const codecs = kind === 'video' ? video : audio;
  const known = aliases.get(name) ?? name;
  return Object.hasOwn(codecs, known) ? codecs[known] : undefined;
}

/** The codec of a body, which must be one that can be carried. @throws RtmpError `RTMP_CODEC_UNSUPPORTED` that says what can. */
export function codecOf(kind: 'video' | 'audio', name: string): Codec {
  const codec = findCodec(kind, name);
  if (codec !== undefined) return codec;
  const can = 'send H.264, HEVC, AV1 or VP9 video, and AAC, Opus, MP3 or FLAC audio';
  throw new RtmpError('RTMP_CODEC_UNSUPPORTED', `The ${kind} codec ${name} is not supported: ${can}.`);
}

/** @throws RtmpError `RTMP_MESSAGE_TOO_LARGE`, and FlvError for what cannot be. */
export function checkConfig(codec: Codec, config: Uint8Array): void {
  if (config.length > configBytesMax)
    throw new RtmpError('RTMP_MESSAGE_TOO_LARGE', `A decoder configuration of ${config.length} bytes is over the limit of ${configBytesMax}.`);
  codec.check(config);
}
