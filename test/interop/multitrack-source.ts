import { encodeAmf0Script, encodeTrack, enhancedPacket, readVideoHeader, tagType, type AmfObject, type EnhancedPacket, type FlvTag } from '#core/flv';

/** A track beside the first: what a real encoder made, as an FLV of its own. */
export interface MultitrackInput {
  readonly id: number;
  readonly tags: readonly FlvTag[];
  /** What the encoder says of it in `onMetaData`. */
  readonly metadata?: AmfObject;
}

export interface MultitrackInit {
  /** The first tracks, as they are sent without further ones. */
  readonly first: readonly FlvTag[];
  readonly video?: readonly MultitrackInput[];
  readonly audio?: readonly MultitrackInput[];
  /** True for one message for all tracks of a moment, where they have the same (`ManyTracks`); else each has its own (`OneTrack`), as OBS does it. */
  readonly together?: boolean;
}

/**
 * What an encoder sends that has several tracks: no ffmpeg of Debian can, so their H.264 and AAC is put into messages of Enhanced
 * RTMP v2. Configurations come first, then all tracks by their time, the first track before the others.
 */
export function multitrackSource({ first, video = [], audio = [], together = false }: MultitrackInit): readonly FlvTag[] {
  const further = [...video.flatMap(({ id, tags }) => trackTags('video', id, tags)), ...audio.flatMap(({ id, tags }) => trackTags('audio', id, tags))];
  const metadata = { videoTrackIdInfoMap: infoMap(video), audioTrackIdInfoMap: infoMap(audio) };
  const script: FlvTag = { type: tagType.script, timestampMs: 0, body: encodeAmf0Script('onMetaData', { framerate: 30, ...metadata }) };
  const media = [...first.filter(({ type }) => type !== tagType.script), ...further];
  const ordered = [script, ...media.filter(isConfig), ...media.filter((tag) => !isConfig(tag)).sort((a, b) => a.timestampMs - b.timestampMs)];
  return together ? joined(ordered) : ordered;
}

function infoMap(tracks: readonly MultitrackInput[]): AmfObject {
  return Object.fromEntries(tracks.map(({ id, metadata = {} }) => [`${id}`, metadata]));
}

function isConfig({ type, body }: FlvTag): boolean {
  if (isTrackMessage({ type, body })) return ((body[1] as number) & 15) === enhancedPacket.sequenceStart;
  return type === tagType.video ? readVideoHeader(body).kind === 'sequence-header' : body[0] === 0xaf && body[1] === 0;
}

function isTrackMessage({ type, body }: Pick<FlvTag, 'type' | 'body'>): boolean {
  const first = body[0] as number;
  return type === tagType.video ? (first & 0x8f) === 0x86 : first === 0x95;
}

/** The packets of one FLV as those of a track; what ends a sequence is left out. */
function trackTags(kind: 'video' | 'audio', id: number, tags: readonly FlvTag[]): FlvTag[] {
  return tags.flatMap((tag) => {
    if (tag.type !== tagType[kind]) return [];
    const packet = kind === 'video' ? avcPacket(tag.body) : soundPacket(tag.body);
    return packet.packetType > 1 ? [] : [{ ...tag, body: encodeTrack(kind, id, packet) }];
  });
}

/** Frames keep their composition time, which a configuration does not have. */
function avcPacket(body: Uint8Array): EnhancedPacket {
  const packetType = body[1] as number;
  return { frameType: (body[0] as number) >> 4, packetType, fourCc: 'avc1', payload: body.subarray(packetType === 1 ? 2 : 5) };
}

/** AAC in the classic head, other codecs in the extended one, whose first four bits are 9. */
function soundPacket(body: Uint8Array): EnhancedPacket {
  const first = body[0] as number;
  if (first >> 4 === 9) return { frameType: 0, packetType: first & 15, fourCc: Buffer.from(body.subarray(1, 5)).toString(), payload: body.subarray(5) };
  return { frameType: 0, packetType: body[1] as number, fourCc: 'mp4a', payload: body.subarray(2) };
}

/** Pictures of one moment in one message: the first track's and those of the others that are alike. */
function joined(tags: readonly FlvTag[]): FlvTag[] {
  const out: FlvTag[] = [];
  for (let at = 0; at < tags.length; at++) {
    const tag = tags[at] as FlvTag;
    const alike: FlvTag[] = [];
    for (let next = at + 1; next < tags.length && isAlike(tag, tags[next] as FlvTag); next++) alike.push(tags[next] as FlvTag);
    if (tag.type !== tagType.video || isTrackMessage(tag) || alike.length === 0) {
      out.push(tag);
      continue;
    }
    out.push({ ...tag, body: manyTracks(avcPacket(tag.body), alike) });
    at += alike.length;
  }
  return out;
}

function isAlike(first: FlvTag, other: FlvTag): boolean {
  if (other.type !== tagType.video || !isTrackMessage(other) || isTrackMessage(first) || other.timestampMs !== first.timestampMs) return false;
  const packet = avcPacket(first.body);
  return (((other.body[0] as number) >> 4) & 7) === packet.frameType && ((other.body[1] as number) & 15) === packet.packetType;
}

function manyTracks({ frameType, packetType, payload }: EnhancedPacket, others: readonly FlvTag[]): Uint8Array {
  const tracks = [{ id: 0, payload }, ...others.map(({ body }) => ({ id: body[6] as number, payload: body.subarray(7) }))];
  const parts = tracks.flatMap(({ id, payload: { length } }, at) => [
    Uint8Array.of(id, length >> 16, length >> 8, length),
    (tracks[at] as { payload: Uint8Array }).payload,
  ]);
  const head = Uint8Array.of(0x80 | (frameType << 4) | 6, (1 << 4) | packetType, 0x61, 0x76, 0x63, 0x31);
  return new Uint8Array(Buffer.concat([head, ...parts]));
}
