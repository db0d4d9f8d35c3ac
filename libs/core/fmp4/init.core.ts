import { childBoxes, FieldReader, findBox, requireBox, type Box } from './box.core.ts';
import { Fmp4Error } from './errors.ts';
import { readEsds } from './esds.core.ts';
import { av1Codecs, hevcCodecs } from './video-codecs.core.ts';

/** What the moov of a fragmented MP4 says about its only track (CMAF: one track per file, ISO/IEC 23000-19 section 7.3.1). */
export interface TrackInit {
  readonly trackId: number;
  /** Ticks per second of decode times and durations. */
  readonly timescale: number;
  readonly kind: 'video' | 'audio';
  /** RFC 6381, such as `avc1.64001f` or `mp4a.40.2`; the bare four-character code for entries that we do not look into. */
  readonly codecs: string;
  /** Video: coded picture, pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Audio. */
  readonly sampleRate?: number;
  readonly channels?: number;
  /** Defaults of the track's fragments, ISO/IEC 14496-12 section 8.8.3. */
  readonly defaults: SampleDefaults;
}

export interface SampleDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

/**
 * Parses the body of a moov box.
 * @throws Fmp4Error `FMP4_INVALID`, or `FMP4_UNSUPPORTED` when there is not exactly one track.
 */
export function parseMoov(moov: Uint8Array): TrackInit {
  const tracks = childBoxes(moov).filter(({ type }) => type === 'trak');
  const trak = tracks[0];
  if (trak === undefined || tracks.length > 1) throw new Fmp4Error('FMP4_UNSUPPORTED', `A rendition has one track, not ${tracks.length}.`);
  const trackId = readTrackId(requireBox(trak.body, 'tkhd'));
  const timescale = readTimescale(requireBox(trak.body, 'mdia', 'mdhd'));
  const entry = childBoxes(requireBox(trak.body, 'mdia', 'minf', 'stbl', 'stsd').subarray(8))[0];
  if (entry === undefined) throw new Fmp4Error('FMP4_INVALID', 'The track has no sample entry.');
  const handler = new FieldReader('hdlr', requireBox(trak.body, 'mdia', 'hdlr')).skip(8).fourCc();
  return { trackId, timescale, ...readEntry(handler, entry), defaults: readDefaults(moov, trackId) };
}

function readTrackId(tkhd: Uint8Array): number {
  const reader = new FieldReader('tkhd', tkhd);
  return reader.skip(reader.fullBox().version === 1 ? 16 : 8).uint32();
}

function readTimescale(mdhd: Uint8Array): number {
  const reader = new FieldReader('mdhd', mdhd);
  const timescale = reader.skip(reader.fullBox().version === 1 ? 16 : 8).uint32();
  if (timescale === 0) throw new Fmp4Error('FMP4_INVALID', 'The time scale is zero.');
  return timescale;
}

/** Track extends, ISO/IEC 14496-12 section 8.8.3. */
function readDefaults(moov: Uint8Array, trackId: number): SampleDefaults {
  for (const { type, body } of childBoxes(requireBox(moov, 'mvex'))) {
    if (type !== 'trex') continue;
    const reader = new FieldReader('trex', body).skip(4);
    if (reader.uint32() !== trackId) continue;
    reader.skip(4);
    return { duration: reader.uint32(), size: reader.uint32(), flags: reader.uint32() };
  }
  throw new Fmp4Error('FMP4_INVALID', `There is no trex box of track ${trackId}.`);
}

type EntryFields = Omit<TrackInit, 'trackId' | 'timescale' | 'defaults'>;

function readEntry(handler: string, entry: Box): EntryFields {
  if (handler === 'vide') return readVideoEntry(entry);
  if (handler === 'soun') return readAudioEntry(entry);
  throw new Fmp4Error('FMP4_UNSUPPORTED', `A track of kind ${JSON.stringify(handler)} is neither video nor audio.`);
}

/** Visual sample entry, ISO/IEC 14496-12 section 12.1.3; AVC, ISO/IEC 14496-15 section 5.4.2. */
function readVideoEntry({ type, body }: Box): EntryFields {
  const reader = new FieldReader(type, body).skip(24);
  const width = reader.uint16();
  const height = reader.uint16();
  const boxes = reader.skip(50).rest();
  return { kind: 'video', codecs: videoCodecs(type, boxes), width, height };
}

function videoCodecs(type: string, boxes: Uint8Array): string {
  if (type === 'hvc1' || type === 'hev1') return hevcCodecs(type, requireBox(boxes, 'hvcC'));
  if (type === 'av01') return av1Codecs(requireBox(boxes, 'av1C'));
  if (type !== 'avc1' && type !== 'avc3') return type;
  const avc = new FieldReader('avcC', requireBox(boxes, 'avcC')).skip(1);
  return `${type}.${[avc.uint8(), avc.uint8(), avc.uint8()].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** Audio sample entry, ISO/IEC 14496-12 section 12.2.3; MPEG-4 audio, ISO/IEC 14496-14 section 5.6. */
function readAudioEntry({ type, body }: Box): EntryFields {
  const reader = new FieldReader(type, body).skip(16);
  const channels = reader.uint16();
  const sampleRate = reader.skip(6).uint16();
  const boxes = reader.skip(2).rest();
  const esds = type === 'mp4a' ? findBox(boxes, 'esds') : undefined;
  return { kind: 'audio', codecs: esds === undefined ? type : mpeg4Codecs(esds), channels, sampleRate };
}

/** The RFC 6381 form of an elementary stream descriptor: object type and, for MPEG-4 audio, its profile. */
function mpeg4Codecs(esds: Uint8Array): string {
  const { objectType, specific } = readEsds(esds);
  const name = `mp4a.${objectType.toString(16).padStart(2, '0')}`;
  if (objectType !== 0x40) return name;
  const reader = new FieldReader('esds', specific);
  const first = reader.uint8();
  const audioObjectType = first >>> 3 === 31 ? 32 + (((first & 7) << 3) | (reader.uint8() >>> 5)) : first >>> 3;
  return `${name}.${audioObjectType}`;
}
