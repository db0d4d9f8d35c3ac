import { parseAvcConfig } from '#core/flv';
import { MpegTsError } from './errors.ts';
import type { StreamType } from './psi.core.ts';

/** How the frames of a video track become a byte stream. */
export interface ByteStream {
  readonly streamType: StreamType;
  /** Parts of an access unit, in order: delimiter, parameter sets where decoding can begin, NAL units with start codes. */
  readonly accessUnit: (sample: Uint8Array, isEntry: boolean) => readonly Uint8Array[];
}

const startCode = Uint8Array.of(0, 0, 0, 1);

interface Shape {
  readonly streamType: StreamType;
  readonly delimiter: Uint8Array;
  readonly isDelimiter: (first: number) => boolean;
  readonly nalLengthBytes: number;
  readonly parameterSets: readonly Uint8Array[];
}

/** ITU-T H.264 annex B. @param config AVCDecoderConfigurationRecord @throws FlvError */
export function avcStream(config: Uint8Array): ByteStream {
  const { nalLengthBytes, sequenceParameterSets, pictureParameterSets } = parseAvcConfig(config);
  return byteStream({
    streamType: 0x1b,
    // Any kind of slice may follow.
    delimiter: Uint8Array.of(0, 0, 0, 1, 0x09, 0xf0),
    isDelimiter: (first) => (first & 0x1f) === 9,
    nalLengthBytes,
    parameterSets: [...sequenceParameterSets, ...pictureParameterSets],
  });
}

/** ITU-T H.265 annex B. @param config HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 section 8.3.3.1 */
export function hevcStream(config: Uint8Array): ByteStream {
  const parameterSets: Uint8Array[] = [];
  let at = 23;
  for (let array = 0; array < (config[22] ?? 0); array++) {
    const count = uint16(config, at + 1);
    at += 3;
    for (let i = 0; i < count; i++) {
      const length = uint16(config, at);
      if (length === 0 || at + 2 + length > config.length) throw new MpegTsError('A parameter set of HEVC does not fit its configuration.');
      parameterSets.push(config.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return byteStream({
    streamType: 0x24,
    delimiter: Uint8Array.of(0, 0, 0, 1, 0x46, 0x01, 0x50),
    isDelimiter: (first) => ((first >> 1) & 0x3f) === 35,
    nalLengthBytes: ((config[21] ?? 3) & 3) + 1,
    parameterSets,
  });
}

function byteStream({ streamType, delimiter, isDelimiter, nalLengthBytes, parameterSets }: Shape): ByteStream {
  const sets = parameterSets.flatMap((set) => [startCode, set]);
  return {
    streamType,
    accessUnit: (sample, isEntry) => {
      const parts = isEntry ? [delimiter, ...sets] : [delimiter];
      for (const nal of nalUnits(sample, nalLengthBytes)) if (!isDelimiter(nal[0] as number)) parts.push(startCode, nal);
      return parts;
    },
  };
}

/** What does not add up ends the sample: the rest of it could not be read by anybody. */
function* nalUnits(sample: Uint8Array, lengthBytes: number): Generator<Uint8Array> {
  for (let at = 0; at + lengthBytes < sample.length;) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (sample[at + i] as number);
    const start = at + lengthBytes;
    if (start + length > sample.length) return;
    if (length > 0) yield sample.subarray(start, start + length);
    at = start + length;
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
