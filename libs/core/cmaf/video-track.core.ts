import { parseAv1Config, parseAvcConfig, parseHevcConfig } from '#core/flv';
import { box, uint16, zeros } from './box-writer.core.ts';
import { trackId, videoTimescale, type CmafTrack } from './track.ts';

interface VideoCodec {
  readonly entryType: string;
  readonly configType: string;
  readonly describe: (config: Uint8Array) => { readonly codecs: string; readonly width: number; readonly height: number };
}

/** By the codec in the head of an FLV body. */
const codecs: Readonly<Record<string, VideoCodec>> = {
  avc: { entryType: 'avc1', configType: 'avcC', describe: parseAvcConfig },
  hvc1: { entryType: 'hvc1', configType: 'hvcC', describe: (config) => ({ ...parseHevcConfig(config), codecs: hevcCodecs(config) }) },
  av01: { entryType: 'av01', configType: 'av1C', describe: (config) => ({ ...parseAv1Config(config), codecs: av1Codecs(config) }) },
};

export function canCarryVideo(codec: string): boolean {
  return Object.hasOwn(codecs, codec);
}

/**
 * @param config the decoder's configuration record
 * @throws FlvError for one that cannot be
 */
export function videoTrack(codec: string, config: Uint8Array): CmafTrack | undefined {
  const known = Object.hasOwn(codecs, codec) ? codecs[codec] : undefined;
  if (known === undefined) return undefined;
  const { codecs: name, width, height } = known.describe(config);
  const entry = box(known.entryType, ...visualFields(width, height), box(known.configType, config));
  return { trackId, timescale: videoTimescale, kind: 'video', codecs: name, width, height, defaults: { duration: 0, size: 0, flags: 0 }, entry };
}

/** VisualSampleEntry, ISO/IEC 14496-12 section 12.1.3: 72 dpi, one frame a sample, 24 bits of depth, no colour table. */
function visualFields(width: number, height: number): ReadonlyArray<Uint8Array | readonly number[]> {
  const dpi = [0, 0x48, 0, 0, 0, 0x48, 0, 0];
  return [zeros(6), uint16(1), zeros(16), uint16(width), uint16(height), dpi, zeros(4), uint16(1), zeros(32), uint16(24), uint16(0xffff)];
}

/**
 * RFC 6381 form of an HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 annex E.3: profile, compatibility flags in reverse bit
 * order, tier and level, constraints without trailing zero bytes.
 */
function hevcCodecs(config: Uint8Array): string {
  const at = (index: number): number => config[index] ?? 0;
  const space = ['', 'A', 'B', 'C'][at(1) >> 6] as string;
  let flags = 0;
  for (let bit = 0; bit < 32; bit++) flags = flags * 2 + ((at(5 - (bit >> 3)) >> (bit & 7)) & 1);
  const constraints = [...config.subarray(6, 12)];
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const hex = (value: number): string => value.toString(16).toUpperCase();
  const level = `${(at(1) & 0x20) === 0 ? 'L' : 'H'}${at(12)}`;
  return ['hvc1', `${space}${at(1) & 0x1f}`, hex(flags), level, ...constraints.map(hex)].join('.');
}

/** AV1 in ISOBMFF section 5: profile, level and tier, bit depth. */
function av1Codecs(config: Uint8Array): string {
  const [second, third] = [config[1] ?? 0, config[2] ?? 0];
  const depth = (third & 0x40) === 0 ? '08' : (third & 0x20) === 0 ? '10' : '12';
  return `av01.${second >> 5}.${String(second & 0x1f).padStart(2, '0')}${(third & 0x80) === 0 ? 'M' : 'H'}.${depth}`;
}
