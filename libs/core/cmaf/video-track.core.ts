import { parseAv1Config, parseAvcConfig, parseHevcConfig } from '#core/flv';
import { av1Codecs, hevcCodecs } from '#core/fmp4';
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
  hvc1: { entryType: 'hvc1', configType: 'hvcC', describe: (config) => ({ ...parseHevcConfig(config), codecs: hevcCodecs('hvc1', config) }) },
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
