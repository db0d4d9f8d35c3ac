import { BitReader } from './bit-reader.core.ts';
import { FlvError } from './errors.ts';
import { rawPayload } from './nal.core.ts';

const code = 'AVC_CONFIG_INVALID';

/** What a sequence parameter set says about the picture. */
export interface AvcSequenceParameters {
  readonly profile: number;
  readonly constraints: number;
  readonly level: number;
  /** Visible picture, cropping applied, pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames per second from the VUI timing; 0 when the stream does not say. */
  readonly frameRate: number;
  readonly interlaced: boolean;
}

/** AVCDecoderConfigurationRecord, ISO/IEC 14496-15 section 5.3.3.1: the body of an FLV AVC sequence header. */
export interface AvcConfig extends AvcSequenceParameters {
  /** Bytes of the length before each NAL unit: 1, 2 or 4. */
  readonly nalLengthBytes: number;
  readonly sequenceParameterSets: readonly Uint8Array[];
  readonly pictureParameterSets: readonly Uint8Array[];
  /** RFC 6381, such as `avc1.64001f`. */
  readonly codecs: string;
}

/** Profiles whose parameter sets carry the chroma format, ITU-T H.264 section 7.3.2.1.1. */
const highProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

function skipScalingLists(reader: BitReader, chromaFormat: number): void {
  for (let i = 0; i < (chromaFormat === 3 ? 12 : 8); i++) {
    if (reader.bit() === 0) continue;
    let last = 8;
    let next = 8;
    for (let j = 0; j < (i < 6 ? 16 : 64) && next !== 0; j++) {
      next = (last + reader.signedExpGolomb() + 256) % 256;
      last = next === 0 ? last : next;
    }
  }
}

/** Chroma format and bit depths; 4:2:0 for profiles that do not say. */
function readChroma(reader: BitReader, profile: number): { format: number; separate: boolean } {
  if (!highProfiles.has(profile)) return { format: 1, separate: false };
  const format = reader.unsignedExpGolomb();
  if (format > 3) throw new FlvError(code, `chroma_format_idc ${format} does not exist.`);
  const separate = format === 3 && reader.bit() === 1;
  reader.unsignedExpGolomb();
  reader.unsignedExpGolomb();
  reader.skip(1);
  if (reader.bit() === 1) skipScalingLists(reader, format);
  return { format, separate };
}

function skipPictureOrder(reader: BitReader): void {
  const type = reader.unsignedExpGolomb();
  if (type === 0) {
    reader.unsignedExpGolomb();
  } else if (type === 1) {
    reader.skip(1);
    reader.signedExpGolomb();
    reader.signedExpGolomb();
    const cycle = reader.unsignedExpGolomb();
    if (cycle > 255) throw new FlvError(code, `num_ref_frames_in_pic_order_cnt_cycle ${cycle} is over 255.`);
    for (let i = 0; i < cycle; i++) reader.signedExpGolomb();
  }
}

/** The frame rate in the VUI, ITU-T H.264 section E.1.1; 0 when absent. */
function readFrameRate(reader: BitReader): number {
  if (reader.bit() === 1 && reader.bits(8) === 255) reader.skip(32);
  if (reader.bit() === 1) reader.skip(1);
  if (reader.bit() === 1) {
    reader.skip(4);
    if (reader.bit() === 1) reader.skip(24);
  }
  if (reader.bit() === 1) {
    reader.unsignedExpGolomb();
    reader.unsignedExpGolomb();
  }
  if (reader.bit() === 0) return 0;
  const unitsInTick = reader.bits(32);
  const timeScale = reader.bits(32);
  return unitsInTick === 0 ? 0 : timeScale / (2 * unitsInTick);
}

interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
}

function readPicture(reader: BitReader, chroma: { format: number; separate: boolean }): PictureSize {
  const widthInBlocks = reader.unsignedExpGolomb() + 1;
  const heightInUnits = reader.unsignedExpGolomb() + 1;
  const framesOnly = reader.bit();
  if (framesOnly === 0) reader.skip(1);
  reader.skip(1);
  let width = widthInBlocks * 16;
  let height = (2 - framesOnly) * heightInUnits * 16;
  if (reader.bit() === 1) {
    const subsampled = !chroma.separate;
    const unitX = subsampled && (chroma.format === 1 || chroma.format === 2) ? 2 : 1;
    const unitY = (subsampled && chroma.format === 1 ? 2 : 1) * (2 - framesOnly);
    width -= unitX * (reader.unsignedExpGolomb() + reader.unsignedExpGolomb());
    height -= unitY * (reader.unsignedExpGolomb() + reader.unsignedExpGolomb());
  }
  if (width < 1 || height < 1 || width > 16384 || height > 16384) throw new FlvError(code, `A picture of ${width}x${height} cannot be.`);
  return { width, height, interlaced: framesOnly === 0 };
}

/** Parses a sequence parameter set NAL unit, header byte included (ITU-T H.264 section 7.3.2.1). */
export function parseSequenceParameterSet(nal: Uint8Array): AvcSequenceParameters {
  if (((nal[0] ?? 0) & 0x1f) !== 7) throw new FlvError(code, 'The NAL unit is not a sequence parameter set.');
  const reader = new BitReader(rawPayload(nal.subarray(1)), code);
  const profile = reader.bits(8);
  const constraints = reader.bits(8);
  const level = reader.bits(8);
  reader.unsignedExpGolomb();
  const chroma = readChroma(reader, profile);
  reader.unsignedExpGolomb();
  skipPictureOrder(reader);
  reader.unsignedExpGolomb();
  reader.skip(1);
  const picture = readPicture(reader, chroma);
  const frameRate = reader.bitsLeft > 0 && reader.bit() === 1 ? readFrameRate(reader) : 0;
  return { profile, constraints, level, ...picture, frameRate };
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function readParameterSets(bytes: Uint8Array, from: number, count: number): { sets: Uint8Array[]; end: number } {
  const sets: Uint8Array[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    at += 2;
    if (length === 0 || at + length > bytes.length) throw new FlvError(code, 'A parameter set is longer than its record.');
    sets.push(bytes.slice(at, at + length));
    at += length;
  }
  return { sets, end: at };
}

/**
 * Parses an AVCDecoderConfigurationRecord.
 * @throws FlvError `AVC_CONFIG_INVALID`.
 */
export function parseAvcConfig(bytes: Uint8Array): AvcConfig {
  if (bytes.length < 7 || bytes[0] !== 1) throw new FlvError(code, 'Not an AVC decoder configuration of version 1.');
  const sps = readParameterSets(bytes, 6, (bytes[5] as number) & 0x1f);
  if (sps.end >= bytes.length) throw new FlvError(code, 'The AVC configuration has no picture parameter sets.');
  const pps = readParameterSets(bytes, sps.end + 1, bytes[sps.end] as number);
  const first = sps.sets[0];
  if (first === undefined) throw new FlvError(code, 'The AVC configuration has no sequence parameter set.');
  const parameters = parseSequenceParameterSet(first);
  return {
    ...parameters,
    nalLengthBytes: ((bytes[4] as number) & 3) + 1,
    sequenceParameterSets: sps.sets,
    pictureParameterSets: pps.sets,
    codecs: `avc1.${hex(parameters.profile)}${hex(parameters.constraints)}${hex(parameters.level)}`,
  };
}
