import { childBoxes, FieldReader, findBox, requireBox } from './box.core.ts';
import { Fmp4Error } from './errors.ts';
import { readEsds } from './esds.core.ts';

/** What a decoder of the only track must be told. */
export interface SampleEntry {
  /** Such as `avc1` or `mp4a`. */
  readonly type: string;
  /** The configuration record; for MPEG-4 sound its AudioSpecificConfig, empty for sound that has none. */
  readonly config: Uint8Array;
  /** MPEG-4 sound: the object type of its descriptor. */
  readonly objectType?: number;
  /** What is to be taken from decode times so that none is behind its presentation, ticks (`cslg`); 0 where it does not say. */
  readonly shiftTicks: number;
}

const configTypes: Readonly<Record<string, string>> = { avc1: 'avcC', avc3: 'avcC', hvc1: 'hvcC', hev1: 'hvcC', av01: 'av1C' };
const visualFieldsBytes = 78;
const audioFieldsBytes = 28;

/**
 * Reads the sample entry of an initialisation segment.
 * @throws Fmp4Error
 */
export function readSampleEntry(init: Uint8Array): SampleEntry {
  const moov = requireBox(init, 'moov');
  const entry = childBoxes(requireBox(moov, 'trak', 'mdia', 'minf', 'stbl', 'stsd').subarray(8))[0];
  if (entry === undefined) throw new Fmp4Error('FMP4_INVALID', 'The track has no sample entry.');
  const { type, body } = entry;
  const shiftTicks = readShift(moov);
  const configType = configTypes[type];
  if (configType !== undefined) return { type, shiftTicks, config: requireBox(body.subarray(visualFieldsBytes), configType) };
  if (type !== 'mp4a') return { type, shiftTicks, config: new Uint8Array(0) };
  const { objectType, specific } = readEsds(requireBox(body.subarray(audioFieldsBytes), 'esds'));
  return { type, shiftTicks, objectType, config: specific };
}

/** Composition to decode, ISO/IEC 14496-12 section 8.6.1.4, among the extensions of a fragmented track (8.8.15). */
function readShift(moov: Uint8Array): number {
  const extension = findBox(moov, 'mvex', 'trep');
  const cslg = extension === undefined ? undefined : findBox(extension.subarray(8), 'cslg');
  if (cslg === undefined) return 0;
  const reader = new FieldReader('cslg', cslg);
  return reader.fullBox().version === 0 ? Math.max(0, reader.int32()) : 0;
}
