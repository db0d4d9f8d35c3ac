import { BitReader } from './bit-reader.core.ts';
import { FlvError } from './errors.ts';
import { rawPayload } from './nal.core.ts';

const code = 'HEVC_CONFIG_INVALID';
const sequenceParameterSet = 33;
const recordHeaderBytes = 23;

/** HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 section 8.3.3.1: the body of an Enhanced RTMP HEVC sequence start. */
export interface HevcConfig {
  /** 1 = Main, 2 = Main 10. */
  readonly profile: number;
  /** 30 times the level's number. */
  readonly level: number;
  /** Visible picture, pixels. */
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** Bytes of the length before each NAL unit: 1, 2 or 4. */
  readonly nalLengthBytes: number;
}

/** Subsampling of width and height per chroma_format_idc, ITU-T H.265 table 6-1. */
const chromaUnits = [
  { x: 1, y: 1 },
  { x: 2, y: 2 },
  { x: 2, y: 1 },
  { x: 1, y: 1 },
] as const;

/** profile_tier_level(1, subLayers), ITU-T H.265 section 7.3.3. */
function readProfile(reader: BitReader, subLayers: number): { profile: number; level: number; interlaced: boolean } {
  reader.skip(3);
  const profile = reader.bits(5);
  reader.skip(32);
  const [progressive, interlaced] = [reader.bit(), reader.bit()];
  reader.skip(46);
  const level = reader.bits(8);
  const present = Array.from({ length: subLayers }, () => ({ profile: reader.bit(), level: reader.bit() }));
  if (subLayers > 0) reader.skip(2 * (8 - subLayers));
  for (const one of present) reader.skip(88 * one.profile + 8 * one.level);
  return { profile, level, interlaced: interlaced === 1 && progressive === 0 };
}

function readSize(reader: BitReader): { width: number; height: number } {
  const format = reader.unsignedExpGolomb();
  const unit = chromaUnits[format];
  if (unit === undefined) throw new FlvError(code, `chroma_format_idc ${format} does not exist.`);
  const separate = format === 3 && reader.bit() === 1;
  const { x, y } = separate ? { x: 1, y: 1 } : unit;
  let width = reader.unsignedExpGolomb();
  let height = reader.unsignedExpGolomb();
  if (reader.bit() === 1) {
    width -= x * (reader.unsignedExpGolomb() + reader.unsignedExpGolomb());
    height -= y * (reader.unsignedExpGolomb() + reader.unsignedExpGolomb());
  }
  if (width < 1 || height < 1 || width > 16384 || height > 16384) throw new FlvError(code, `A picture of ${width}x${height} cannot be.`);
  return { width, height };
}

/** seq_parameter_set_rbsp() as far as the picture's size, ITU-T H.265 section 7.3.2.2; NAL unit header included. */
function readSequenceParameterSet(nal: Uint8Array): Omit<HevcConfig, 'nalLengthBytes'> {
  const reader = new BitReader(rawPayload(nal.subarray(2)), code);
  reader.skip(4);
  const subLayers = reader.bits(3);
  reader.skip(1);
  const profile = readProfile(reader, subLayers);
  reader.unsignedExpGolomb();
  return { ...profile, ...readSize(reader) };
}

/**
 * Parses an HEVCDecoderConfigurationRecord; its first sequence parameter set tells the picture.
 * @throws FlvError `HEVC_CONFIG_INVALID`.
 */
export function parseHevcConfig(bytes: Uint8Array): HevcConfig {
  if (bytes.length < recordHeaderBytes || bytes[0] !== 1) throw new FlvError(code, 'Not an HEVC decoder configuration of version 1.');
  let found: Uint8Array | undefined;
  let at = recordHeaderBytes;
  for (let array = 0; array < (bytes[22] as number); array++) {
    const type = (bytes[at] ?? 0) & 0x3f;
    const count = uint16(bytes, at + 1);
    at += 3;
    for (let i = 0; i < count; i++) {
      const end = at + 2 + uint16(bytes, at);
      if (end > bytes.length || end < at + 4) throw new FlvError(code, 'A parameter set does not fit its record.');
      if (type === sequenceParameterSet) found ??= bytes.subarray(at + 2, end);
      at = end;
    }
  }
  if (found === undefined) throw new FlvError(code, 'The HEVC configuration has no sequence parameter set.');
  return { ...readSequenceParameterSet(found), nalLengthBytes: ((bytes[21] as number) & 3) + 1 };
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
