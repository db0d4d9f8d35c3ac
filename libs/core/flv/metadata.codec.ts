import type { AmfObject, AmfValue } from './amf.types.ts';
import { decodeAmf0, encodeAmf0Script } from './amf0.codec.ts';

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
}

const numberFields = {
  width: 'width',
  height: 'height',
  framerate: 'frameRate',
  videodatarate: 'videoKbps',
  audiodatarate: 'audioKbps',
  audiosamplerate: 'audioSampleRate',
} as const;

/** Picks what is plausible; encoders write what they like here, so nothing is refused. */
export function metadataOf(properties: AmfObject): StreamMetadata {
  const metadata: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(numberFields)) {
    const value = properties[name];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) metadata[field] = value;
  }
  if (typeof properties['stereo'] === 'boolean') metadata['stereo'] = properties['stereo'];
  if (typeof properties['encoder'] === 'string') metadata['encoder'] = properties['encoder'].slice(0, 200);
  return metadata;
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
