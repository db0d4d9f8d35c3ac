import { BitReader } from './bit-reader.core.ts';
import { FlvError } from './errors.ts';

const code = 'AAC_CONFIG_INVALID';

/** ISO/IEC 14496-3 table 1.18. */
const sampleRates = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
/** ISO/IEC 14496-3 table 1.19: channels per channelConfiguration; 0 = described elsewhere. */
const channelCounts = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8];

/** AudioSpecificConfig, ISO/IEC 14496-3 section 1.6.2.1: the body of an FLV AAC sequence header. */
export interface AacConfig {
  /** Audio object type: 2 = AAC-LC, 5 = HE-AAC, 29 = HE-AAC v2. */
  readonly objectType: number;
  /** Hz; the output rate when spectral band replication is signalled. */
  readonly sampleRate: number;
  /** 0 when the configuration leaves it to a program config element. */
  readonly channels: number;
  /** RFC 6381, such as `mp4a.40.2`. */
  readonly codecs: string;
}

function readObjectType(reader: BitReader): number {
  const type = reader.bits(5);
  return type === 31 ? 32 + reader.bits(6) : type;
}

function readSampleRate(reader: BitReader): number {
  const index = reader.bits(4);
  const rate = index === 15 ? reader.bits(24) : sampleRates[index];
  if (rate === undefined || rate === 0) throw new FlvError(code, `The sampling frequency index ${index} is reserved.`);
  return rate;
}

/**
 * Parses an AudioSpecificConfig.
 * @throws FlvError `AAC_CONFIG_INVALID`.
 */
export function parseAacConfig(bytes: Uint8Array): AacConfig {
  const reader = new BitReader(bytes, code);
  const objectType = readObjectType(reader);
  if (objectType === 0) throw new FlvError(code, 'The audio object type is null.');
  let sampleRate = readSampleRate(reader);
  const configuration = reader.bits(4);
  const channels = channelCounts[configuration];
  if (channels === undefined) throw new FlvError(code, `The channel configuration ${configuration} is reserved.`);
  const extended = objectType === 5 || objectType === 29;
  if (extended) sampleRate = readSampleRate(reader);
  return { objectType, sampleRate, channels: objectType === 29 ? 2 : channels, codecs: `mp4a.40.${objectType}` };
}
