import { FlvError } from './errors.ts';

/** What the configuration of an audio codec says; 0 where it does not. */
export interface AudioConfig {
  /** Hz. */
  readonly sampleRate: number;
  readonly channels: number;
}

const opusMagic = [0x4f, 0x70, 0x75, 0x73, 0x48, 0x65, 0x61, 0x64];
const flacMagic = [0x66, 0x4c, 0x61, 0x43];

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}

/** The identification header, RFC 7845 section 5.1. @throws FlvError `OPUS_CONFIG_INVALID`. */
export function parseOpusConfig(bytes: Uint8Array): AudioConfig {
  const channels = bytes[9] ?? 0;
  const isOne = bytes.length >= 19 && startsWith(bytes, opusMagic) && ((bytes[8] as number) & 0xf0) === 0;
  if (!isOne || channels === 0) throw new FlvError('OPUS_CONFIG_INVALID', 'Not an Opus identification header of version 1.');
  return { sampleRate: 48_000, channels };
}

/** The identification header of a stream that brings none: two channels, no pre-skip. */
export function opusConfigOf(channels = 2): Uint8Array {
  return Uint8Array.of(...opusMagic, 1, channels, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0);
}

/** `fLaC` and STREAMINFO, RFC 9639 sections 8.1 and 8.2. @throws FlvError `FLAC_CONFIG_INVALID`. */
export function parseFlacConfig(bytes: Uint8Array): AudioConfig {
  const isOne = bytes.length >= 42 && startsWith(bytes, flacMagic) && ((bytes[4] as number) & 0x7f) === 0;
  if (!isOne) throw new FlvError('FLAC_CONFIG_INVALID', 'Not a FLAC stream that begins with its STREAMINFO.');
  const [a, b, c] = [bytes[18] as number, bytes[19] as number, bytes[20] as number];
  const sampleRate = (a << 12) | (b << 4) | (c >> 4);
  if (sampleRate === 0) throw new FlvError('FLAC_CONFIG_INVALID', 'The FLAC sample rate is zero.');
  return { sampleRate, channels: ((c >> 1) & 7) + 1 };
}

/** VPCodecConfigurationRecord (VP9 in ISOBMFF section 2.2), version and flags included. @throws FlvError `VP9_CONFIG_INVALID`. */
export function parseVp9Config(bytes: Uint8Array): { readonly profile: number; readonly level: number } {
  const [profile, level] = [bytes[4] ?? 255, bytes[5] ?? 0];
  if (bytes.length < 12 || bytes[0] !== 1 || profile > 3) throw new FlvError('VP9_CONFIG_INVALID', 'Not a VP9 configuration of version 1.');
  return { profile, level };
}
