import { BitReader } from './bit-reader.core.ts';
import { FlvError } from './errors.ts';

const code = 'AV1_CONFIG_INVALID';
const sequenceHeaderObu = 1;

/** AV1CodecConfigurationRecord (AV1 in ISOBMFF section 2.3.3): the body of an Enhanced RTMP AV1 sequence start. */
export interface Av1Config {
  /** 0 = Main. */
  readonly profile: number;
  /** Greatest picture, pixels; 0 where the record has no sequence header. */
  readonly width: number;
  readonly height: number;
}

/** @throws FlvError `AV1_CONFIG_INVALID`. */
export function parseAv1Config(bytes: Uint8Array): Av1Config {
  if (bytes.length < 4 || bytes[0] !== 0x81) throw new FlvError(code, 'Not an AV1 decoder configuration of version 1.');
  const profile = (bytes[1] as number) >> 5;
  const header = findSequenceHeader(bytes.subarray(4));
  return { profile, ...(header === undefined ? { width: 0, height: 0 } : readSize(header)) };
}

/** The payload of the first sequence header among OBUs, AV1 section 5.3. */
function findSequenceHeader(obus: Uint8Array): Uint8Array | undefined {
  for (let at = 0; at < obus.length;) {
    const first = obus[at] as number;
    const start = at + 1 + ((first >> 2) & 1);
    const size = (first & 2) === 0 ? { value: obus.length - start, bytes: 0 } : readLeb128(obus, start);
    const end = start + size.bytes + size.value;
    if (end > obus.length) throw new FlvError(code, 'An OBU is longer than its record.');
    if (((first >> 3) & 15) === sequenceHeaderObu) return obus.subarray(start + size.bytes, end);
    at = end;
  }
  return undefined;
}

/** leb128(), AV1 section 4.10.5, of up to four bytes: a record is never larger. */
function readLeb128(bytes: Uint8Array, at: number): { value: number; bytes: number } {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return { value, bytes: i + 1 };
  }
  throw new FlvError(code, 'An OBU has no size that could be.');
}

/** sequence_header_obu() as far as the picture's size, AV1 section 5.5. */
function readSize(payload: Uint8Array): { width: number; height: number } {
  const reader = new BitReader(payload, code);
  reader.skip(4);
  if (reader.bit() === 1) reader.skip(5);
  else skipOperatingPoints(reader);
  const [widthBits, heightBits] = [reader.bits(4) + 1, reader.bits(4) + 1];
  return { width: reader.bits(widthBits) + 1, height: reader.bits(heightBits) + 1 };
}

function skipOperatingPoints(reader: BitReader): void {
  const delayBits = reader.bit() === 1 ? skipTiming(reader) : 0;
  const hasInitialDelay = reader.bit() === 1;
  const points = reader.bits(5) + 1;
  for (let i = 0; i < points; i++) {
    reader.skip(12);
    if (reader.bits(5) > 7) reader.skip(1);
    if (delayBits > 0 && reader.bit() === 1) reader.skip(2 * delayBits + 1);
    if (hasInitialDelay && reader.bit() === 1) reader.skip(4);
  }
}

/** timing_info() and decoder_model_info(); the bits of a buffer delay, 0 without a model. */
function skipTiming(reader: BitReader): number {
  reader.skip(64);
  if (reader.bit() === 1) reader.unsignedExpGolomb();
  if (reader.bit() === 0) return 0;
  const delayBits = reader.bits(5) + 1;
  reader.skip(42);
  return delayBits;
}
