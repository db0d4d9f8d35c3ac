export { parseAacConfig, type AacConfig } from './aac.codec.ts';
export { amfDepthMax, amfValuesMax, type AmfObject, type AmfValue } from './amf.types.ts';
export { decodeAmf0, encodeAmf0, encodeAmf0Script } from './amf0.codec.ts';
export { parseAv1Config, type Av1Config } from './av1.codec.ts';
export { parseAvcConfig, parseSequenceParameterSet, type AvcConfig, type AvcSequenceParameters } from './avc.codec.ts';
export {
  canonicalBody,
  canonicalOf,
  encodeFurther,
  isCanonicalAudio,
  isCanonicalVideo,
  trackBodyOf,
  type CanonicalBody,
  type FurtherTrack,
} from './canonical-body.codec.ts';
export { opusConfigOf, parseFlacConfig, parseOpusConfig, parseVp9Config, type AudioConfig } from './codec-config.codec.ts';
export {
  encodeEnhanced,
  encodeTrack,
  enhancedPacket,
  isTrack,
  parseEnhanced,
  tracksMax,
  type EnhancedBody,
  type EnhancedPacket,
  type EnhancedTrack,
} from './enhanced-header.codec.ts';
export { cueBodyOf, cueNameOf } from './cue-name.codec.ts';
export { parseHevcConfig, type HevcConfig } from './hevc.codec.ts';
export { pictureOf } from './picture.codec.ts';
export { ByteWriter } from './byte-writer.core.ts';
export { FlvError, type FlvErrorCode } from './errors.ts';
export { FlvReader, type FlvReaderInit } from './flv-reader.core.ts';
export {
  encodeFlvHeader,
  encodeTag,
  tagBodyBytesMax,
  tagHeaderBytes,
  tagTrailerBytes,
  tagTrailerByte,
  tagType,
  writeTagHeader,
  type FlvTag,
  type TagType,
} from './flv-tag.codec.ts';
export {
  audioHeader,
  audioPayloadStart,
  avcHeader,
  isAvc,
  mediaHeaderBytes,
  readAudioHeader,
  readVideoHeader,
  videoPayload,
  type AudioHeader,
  type PacketKind,
  type VideoHeader,
} from './media-header.codec.ts';
export { silenceOf, type Silence } from './silence.codec.ts';
export { encodeTimeZero, timeZeroOf } from './time-zero.codec.ts';
export { decodeMetadata, encodeMetadata, metadataOf, type StreamMetadata, type TrackMetadata } from './metadata.codec.ts';
