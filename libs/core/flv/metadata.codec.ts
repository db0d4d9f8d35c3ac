import type { AmfObject, AmfValue } from './amf.types.ts';
import { decodeAmf0, encodeAmf0Script } from './amf0.codec.ts';
import { tracksMax } from './enhanced-header.codec.ts';

/** What an encoder says about its stream in `onMetaData` (FLV specification 10.1, E.5). Absent fields were not said. */
export interface StreamMetadata {
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: number;
  /** kbit/s. */
  readonly videoKbps?: number;
  readonly audioKbps?: number;
  /** Hz. */
  readonly audioSampleRate?: number;
  readonly stereo?: boolean;
  readonly encoder?: string;
  /** Tracks by their number (Enhanced RTMP v2, `videoTrackIdInfoMap` and `audioTrackIdInfoMap`); of the first, 0, most is said above. */
  readonly videoTracks?: Readonly<Record<number, TrackMetadata>>;
  readonly audioTracks?: Readonly<Record<number, TrackMetadata>>;
}

/** What an encoder says about one track. */
export interface TrackMetadata extends Omit<StreamMetadata, 'encoder' | 'videoTracks' | 'audioTracks'> {
  /** As the encoder writes it, such as `de` or `deu`; at most 35 characters, which is what BCP 47 asks readers to have room for. */
  readonly language?: string;
  /** What its listeners may choose it by. */
  readonly name?: string;
}

const numberFields = {
  width: 'width',
  height: 'height',
  framerate: 'frameRate',
  videodatarate: 'videoKbps',
  audiodatarate: 'audioKbps',
  audiosamplerate: 'audioSampleRate',
} as const;

/** Encoders say it under one of these; no specification does. */
const nameFields = ['name', 'title', 'label'] as const;
const nameLengthMax = 64;

/** RFC 5646 section 2.1, as far as its shape goes. */
export const languageTag = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/;

/** Picks what is plausible; encoders write what they like here, so nothing is refused. */
export function metadataOf(properties: AmfObject): StreamMetadata {
  const metadata: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(numberFields)) {
    const value = properties[name];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) metadata[field] = value;
  }
  if (typeof properties['stereo'] === 'boolean') metadata['stereo'] = properties['stereo'];
  if (typeof properties['encoder'] === 'string') metadata['encoder'] = properties['encoder'].slice(0, 200);
  for (const kind of ['video', 'audio'] as const) {
    const tracks = tracksOf(properties[`${kind}TrackIdInfoMap`]);
    if (tracks !== undefined) metadata[`${kind}Tracks`] = tracks;
  }
  return metadata;
}

function tracksOf(map: AmfValue | undefined): Readonly<Record<number, TrackMetadata>> | undefined {
  if (!isObject(map)) return undefined;
  const tracks: Record<number, TrackMetadata> = {};
  for (const [key, value] of Object.entries(map).slice(0, tracksMax)) {
    const id = Number(key);
    if (key !== '' && Number.isInteger(id) && id >= 0 && id < 256 && isObject(value)) tracks[id] = trackOf(value);
  }
  return tracks;
}

function trackOf(properties: AmfObject): TrackMetadata {
  const { encoder: _encoder, videoTracks: _videos, audioTracks: _audios, ...metadata } = metadataOf(properties);
  const { language } = properties;
  const name = nameFields.flatMap((field) => nameOf(properties[field]) ?? [])[0];
  return { ...metadata, ...(typeof language === 'string' && languageTag.test(language) && { language }), ...(name !== undefined && { name }) };
}

/** A line that a playlist can quote. */
function nameOf(value: AmfValue | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  const line = value
    .replace(/[\p{Cc}"\s]+/gu, ' ')
    .trim()
    .slice(0, nameLengthMax)
    .trim();
  return line === '' ? undefined : line;
}

function isObject(value: AmfValue | undefined): value is AmfObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Encodes the body of an `onMetaData` script tag. */
export function encodeMetadata(metadata: StreamMetadata): Uint8Array {
  const properties: Record<string, AmfValue> = {};
  for (const [name, field] of Object.entries(numberFields)) {
    if (metadata[field] !== undefined) properties[name] = metadata[field];
  }
  if (metadata.stereo !== undefined) properties['stereo'] = metadata.stereo;
  if (metadata.encoder !== undefined) properties['encoder'] = metadata.encoder;
  return encodeAmf0Script('onMetaData', properties);
}

/**
 * Reads the body of a script tag; undefined when it is not `onMetaData`.
 * @throws FlvError when it is not AMF 0.
 */
export function decodeMetadata(body: Uint8Array): StreamMetadata | undefined {
  const [name, properties] = decodeAmf0(body);
  if (name !== 'onMetaData' || typeof properties !== 'object' || properties === null || Array.isArray(properties)) return undefined;
  return metadataOf(properties as AmfObject);
}
